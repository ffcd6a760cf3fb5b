import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyDiT, parameterCount } from '@ahpa/dit-core';
import { readSafetensors, readWeights, writeSafetensors } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { denoiserParams, loadModel } from '../src/run/load-model.ts';
import { isVae } from '../src/vae/inspect.ts';
import { type Converted, type ConvertRequest, convert } from '../src/weights/convert.ts';
import { inspect } from '../src/weights/inspect-file.ts';
import type { Recognised } from '../src/weights/recognise.ts';
import { listener, temporary } from './tiny.ts';

const folder = temporary();
const golden = (name: string): string =>
  join(import.meta.dirname, '../../../packages/sit-weights/test/golden', name);
const at = (name: string): string => join(folder, name);
const bytes = (path: string): Buffer => readFileSync(path);

function run(input: string, output: string, more: Partial<ConvertRequest> = {}): Promise<Converted> {
  return convert({ input, output, vae: 'vae', runs: folder, ...more }, listener());
}

const SIT = { from: 'sit', heads: 2 } as const;

describe('convert', () => {
  it("writes SiT's own file again to the same bytes, by way of our folder too", async () => {
    const input = golden('sit.safetensors');
    const direct = await run(input, at('sit.safetensors'), SIT);
    expect(direct.network).toMatchObject({ convention: 'sit', learnSigma: true });
    expect(bytes(at('sit.safetensors'))).toEqual(bytes(input));
    expect((await run(input, at('ours'), SIT)).left).toEqual([]);
    expect((await loadModel(at('ours'), { runs: folder }, listener())).network).toMatchObject({
      convention: 'sit',
      learnSigma: true,
    });
    await run(at('ours'), at('again.safetensors'));
    expect(bytes(at('again.safetensors'))).toEqual(bytes(input));
  });

  it("turns DiT's file into diffusers' folder and back", async () => {
    const [input, theirs] = [golden('sit.safetensors'), 'diffusion_pytorch_model.safetensors'];
    await run(input, at('dit'), { from: 'dit', heads: 2, to: 'diffusers' });
    expect(bytes(at(`dit/${theirs}`))).toEqual(bytes(golden(`diffusers/${theirs}`)));
    await run(golden('diffusers'), at('dit-ours'));
    await run(at('dit-ours'), at('dit.safetensors'));
    expect(bytes(at('dit.safetensors'))).toEqual(bytes(input));
  });

  it("takes the average out of REPA's checkpoint, and lists the heads it leaves out", async () => {
    const file = await run(golden('repa.pt'), at('repa.safetensors'), { heads: 2 });
    expect(file).toMatchObject({ part: 'ema', left: [], network: { convention: 'repa' } });
    const written = await readWeights(at('repa.safetensors'));
    expect(written).toEqual(await readWeights(golden('repa.pt'), { part: 'ema' }));
    const ours = await run(golden('repa.pt'), at('repa'), { heads: 2, part: 'model' });
    expect(ours.left.length).toBe(6);
    expect(ours.left).toContain('projectors.0.4.bias');
  });

  it('writes a whole training checkpoint with the moments by name, whose parts are read again', async () => {
    const all = await run(golden('repa.pt'), at('all.safetensors'), { heads: 2, part: 'all' });
    expect(all).toMatchObject({ part: 'all', left: [] });
    const { metadata, tensors } = await readSafetensors(at('all.safetensors'));
    expect(metadata).toMatchObject({ steps: '3', updates: '3' });
    const parts = new Set(Object.keys(tensors).map((name) => name.split('.')[0]));
    expect([...parts].sort()).toEqual(['ema', 'exp_avg', 'exp_avg_sq', 'model']);
    expect(tensors['exp_avg.projectors.0.2.weight']?.shape).toEqual([4, 4]);
    await run(at('all.safetensors'), at('ema.safetensors'), { heads: 2, part: 'ema' });
    await run(golden('repa.pt'), at('direct.safetensors'), { heads: 2 });
    expect(bytes(at('ema.safetensors'))).toEqual(bytes(at('direct.safetensors')));
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

  it('refuses what it cannot carry over, by name', async () => {
    const tensors = await readWeights(golden('sit.safetensors'));
    const extra = { ...tensors, 'wg_norm.bias': tensors['final_layer.linear.bias'] as never };
    await writeSafetensors(at('extra.safetensors'), extra);
    await expect(run(at('extra.safetensors'), at('x.safetensors'), SIT)).rejects.toThrow(
      /unknown: wg_norm.bias/,
    );
    const { left } = await run(at('extra.safetensors'), at('x.safetensors'), { ...SIT, dropUnknown: true });
    expect(left).toEqual(['wg_norm.bias']);

    const broken = structuredClone(
      tensors['pos_embed'] as { dtype: 'F32'; shape: number[]; data: Uint8Array },
    );
    broken.data[3] = 0x41;
    await writeSafetensors(at('moved.safetensors'), { ...tensors, pos_embed: broken });
    await expect(run(at('moved.safetensors'), at('x.safetensors'), SIT)).rejects.toThrow(
      /element 0 of pos_embed .* trained with other positions/,
    );

    await expect(run(golden('sit.safetensors'), at('x.safetensors'), { ...SIT, to: 'ahpa' })).rejects.toThrow(
      /form ahpa is a folder/,
    );
    await expect(run(golden('sit.safetensors'), at('x'), { ...SIT, to: 'diffusers' })).rejects.toThrow(
      /sit cannot be turned into dit/,
    );
    await expect(run(golden('repa.pt'), at('x.safetensors'), { part: 'opt' })).rejects.toThrow(
      /no part "opt": it has model, ema/,
    );
    await expect(run(golden('nothing.pt'), at('x.safetensors'))).rejects.toThrow(/no such file/);
  });
});

describe('inspect', () => {
  it("names REPA's checkpoint, part by part", async () => {
    expect(await isVae(golden('repa.pt'))).toBe(false);
    const found = await inspect(golden('repa.pt'), { heads: 2 });
    expect(found.kind).toBe("PyTorch checkpoint: SiT with alignment heads, in REPA's names");
    expect(found.metadata).toEqual({ parts: ['model', 'ema'] });
    expect(Object.keys(found.networks)).toEqual(['model', 'ema']);
    const { network, problems, heads, parameters } = found.networks['ema'] as Recognised;
    expect(network).toMatchObject({ hiddenSize: 4, depth: 1, patchSize: 2, latentSize: 4, classes: 3 });
    expect([problems, heads.length]).toEqual([[], 6]);
    expect(parameters).toBe(parameterCount({ ...network, encoderDepths: [] }));
  });

  it("names SiT's or DiT's file, diffusers' folder and ours", async () => {
    const file = golden('sit.safetensors');
    expect((await inspect(file, { heads: 2 })).kind).toBe('SiT or DiT, its tensors do not tell which');
    expect((await inspect(file, { heads: 2, from: 'dit' })).kind).toBe('DiT');
    expect((await inspect(golden('diffusers'))).kind).toBe("DiT in diffusers' names");
    await run(file, at('to-inspect'), SIT);
    const ours = await inspect(at('to-inspect'));
    expect(ours.kind).toBe('exported model');
    expect(ours.networks['']).toMatchObject({ kind: 'SiT', network: { convention: 'sit' }, problems: [] });
    await expect(inspect(file)).rejects.toThrow(/attention heads of width 8: give it/);
  });

  it('lists what is wrong', async () => {
    const { 'blocks.0.mlp.fc1.bias': bias, ...rest } = await readWeights(golden('sit.safetensors'));
    const data = new Uint8Array(new Float32Array(48).fill(Number.NaN).buffer);
    const broken = { dtype: 'F32', shape: [48], data } as const;
    const odd = { ...rest, extra: bias as never, 'blocks.1.adaLN_modulation.1.bias': broken };
    await writeSafetensors(at('odd.safetensors'), odd);
    const { networks } = await inspect(at('odd.safetensors'), { heads: 2 });
    expect(networks['']?.problems).toEqual([
      'missing: blocks.0.mlp.fc1.bias',
      'unknown: extra',
      'not finite: element 0 of blocks.1.adaLN_modulation.1.bias is NaN, wanted finite numbers; take an earlier checkpoint.',
    ]);
  });
});
