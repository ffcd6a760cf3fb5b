import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyDiT } from '@ahpa/dit-core';
import { type Converted, type ConvertRequest, convertModelFile, inspectModelFile } from '@ahpa/sit-models';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ahpaFormat, readExportedFolder } from '../../src/models/ahpa-format.ts';
import { isVae } from '../../src/models/inspect-vae.ts';
import { denoiserParams, loadModel } from '../../src/models/load-model.ts';
import { listener } from '../tiny.ts';

const folder = temporary();
const golden = (name: string): string =>
  join(import.meta.dirname, '../../../../packages/sit-weights/test/golden', name);
const at = (name: string): string => join(folder, name);
const bytes = (path: string): Buffer => readFileSync(path);

function run(input: string, output: string, more: Partial<ConvertRequest> = {}): Promise<Converted> {
  return convertModelFile({ input, output, ...more }, ahpaFormat({ vae: 'vae', runs: folder }, listener()));
}

const SIT = { from: 'sit', heads: 2 } as const;

describe('conversion by way of an exported folder', () => {
  it("writes SiT's own file again to the same bytes", async () => {
    const input = golden('sit.safetensors');
    expect((await run(input, at('ours'), SIT)).left).toEqual([]);
    expect((await loadModel(at('ours'), { runs: folder }, listener())).network).toMatchObject({
      convention: 'sit',
      learnSigma: true,
    });
    await run(at('ours'), at('again.safetensors'));
    expect(bytes(at('again.safetensors'))).toEqual(bytes(input));
  });

  it("turns diffusers' folder into DiT's file", async () => {
    await run(golden('diffusers'), at('dit-ours'));
    await run(at('dit-ours'), at('dit.safetensors'));
    expect(bytes(at('dit.safetensors'))).toEqual(bytes(golden('sit.safetensors')));
  });

  it("lists the heads of REPA's checkpoint that it leaves out", async () => {
    const ours = await run(golden('repa.pt'), at('repa'), { heads: 2, part: 'model' });
    expect(ours.left.length).toBe(6);
    expect(ours.left).toContain('projectors.0.4.bias');
  });

  it("gives REPA's tools the velocity of SiT's network", async () => {
    await run(golden('sit.safetensors'), at('own'), SIT);
    await run(golden('sit.safetensors'), at('turned.safetensors'), { ...SIT, to: 'repa' });
    await run(at('turned.safetensors'), at('turned'), { heads: 2 });
    const [x, t, y] = [
      tf.randomNormal([2, 4, 4, 4], 0, 1, 'float32', 3) as tf.Tensor4D,
      tf.tensor1d([0.2, 0.9]),
      tf.tensor1d([1, 3], 'int32'),
    ];
    const velocities: Float32Array[] = [];
    for (const name of ['own', 'turned']) {
      const model = await loadModel(at(name), { runs: folder }, listener());
      const { velocity } = applyDiT(denoiserParams(model), x, t, y, model.network);
      velocities.push(velocity.dataSync() as Float32Array);
    }
    const [own, turned] = velocities as [Float32Array, Float32Array];
    own.forEach((value, i) => {
      expect(Math.abs((turned[i] as number) - value)).toBeLessThan(2e-5);
    });
    expect(Math.max(...own.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it('refuses to write a folder into a file', async () => {
    await expect(run(golden('sit.safetensors'), at('x.safetensors'), { ...SIT, to: 'ahpa' })).rejects.toThrow(
      /form ahpa is a folder/,
    );
  });
});

describe('inspect', () => {
  it('recognises an exported folder, and no VAE in a checkpoint', async () => {
    expect(await isVae(golden('repa.pt'))).toBe(false);
    await run(golden('sit.safetensors'), at('to-inspect'), SIT);
    const ours = await inspectModelFile(at('to-inspect'), { readOwnFolder: readExportedFolder });
    expect(ours.kind).toBe('exported model');
    expect(ours.networks['']).toMatchObject({ kind: 'SiT', network: { convention: 'sit' }, problems: [] });
  });
});
