import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ImageSet, loadEmoji } from '@ahpa/emoji-data';
import { eagerEngine } from '@ahpa/engine';
import { splitByName, toBytes } from '@ahpa/image-data';
import { silent } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { TINY_VAE } from '@ahpa/test-fixtures';
import { initVae, loadVaeParams, parseVaeConfig, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import { readSafetensors, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  evaluateVae,
  imageBatch,
  initVaeState,
  reconstructor,
  type TrainVaeOptions,
  trainVae,
  vaeTrainConfig,
  vaeTrainStep,
} from '../src/index.ts';

const home = mkdtempSync(join(tmpdir(), 'ahpa-vae-'));
let set: ImageSet;

beforeAll(async () => {
  set = await loadEmoji({ sets: ['noto'], size: 16, perClass: 2, cacheDir: join(home, 'cache') });
});

/** The VAE of a folder, as other programs read it. */
async function readBack(folder: string): Promise<{ config: VaeConfig; params: VaeParams }> {
  const config = parseVaeConfig(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')));
  const { tensors } = await readSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'));
  const dict = Object.entries(tensors).map(([key, entry]) => [
    key,
    { shape: entry.shape, data: toFloat32(entry) },
  ]);
  return { config, params: loadVaeParams(Object.fromEntries(dict), config) };
}

const options = (out: string, steps: number): TrainVaeOptions => ({
  out: join(home, out),
  steps,
  batch: 4,
  seed: 1,
  holdOut: 0.3,
  saveEvery: 2,
  backend: 'cpu',
  precision: 'float32',
  vae: TINY_VAE,
  optim: vaeTrainConfig(4),
});
const weights = (out: string): Buffer => readFileSync(join(home, out, 'diffusion_pytorch_model.safetensors'));

describe('trainVae', () => {
  it('writes a VAE that is read back, checkpoints and reconstructions', async () => {
    const shapes: (readonly number[])[] = [];
    const onPairs: TrainVaeOptions['onPairs'] = ({ shape }) => void shapes.push(shape);
    const {
      psnr = Number.NaN,
      latentStd = Number.NaN,
      step,
    } = await trainVae(set, {
      ...options('whole', 4),
      onPairs,
    });
    expect(step).toBe(4);
    const { config, params } = await readBack(join(home, 'whole'));
    expect(config.scalingFactor).toBeCloseTo(1 / latentStd, 4);
    expect(readdirSync(join(home, 'whole', 'checkpoints')).length).toBe(2);
    const model = eagerEngine.model(params);
    const { heldOut } = splitByName(set.codes, 0.3);
    expect(shapes).toEqual(Array(2).fill([2 * Math.min(32, heldOut.length), 16, 16, 3]));
    expect((await evaluateVae(reconstructor(model, config), set, heldOut)).psnr).toBeCloseTo(psnr, 1);
    model.dispose();
  });

  it('continues bit-identically', async () => {
    await trainVae(set, options('parts', 2));
    const said: string[] = [];
    await trainVae(set, options('parts', 4), { ...silent, say: (text) => void said.push(text) });
    expect(said.join()).toContain('after step 2');
    expect(weights('parts').equals(weights('whole'))).toBe(true);
  });
});

describe('vaeTrainStep', () => {
  it('lowers the error and keeps the number of live tensors', () => {
    const config = { ...vaeTrainConfig(100), rate: { learningRate: 3e-3 } };
    const x = imageBatch(set, [0, 1]);
    let state = initVaeState(initVae(TINY_VAE, philox(0)));
    const errors: number[] = [];
    const counts: number[] = [];
    for (let k = 0; k < 8; k++) {
      const { state: next, error, gradNorm } = vaeTrainStep(state, x, TINY_VAE, config, philox(2));
      disposeTree(state);
      state = next;
      errors.push(error.dataSync()[0] as number);
      tf.dispose([error, gradNorm]);
      counts.push(tf.memory().numTensors);
    }
    expect(errors[7]).toBeLessThan(0.8 * (errors[0] as number));
    expect(new Set(counts).size).toBe(1);
    disposeTree(state);
  });
});

describe('images', () => {
  it('go to [-1, 1] and back to the same bytes', () => {
    const x = imageBatch(set, [3, 4]).dataSync();
    const stride = set.size ** 2 * 3;
    expect([Math.min(...x) >= -1, Math.max(...x)]).toEqual([true, 1]);
    const bytes = toBytes(x.map((value) => value + 1e-4)); // what is cut off is less than a byte's step
    expect(bytes).toEqual(set.images.slice(3 * stride, 5 * stride));
    expect([...toBytes([-2, -1, 0, 1, 3])]).toEqual([0, 0, 127, 255, 255]);
  });
});
