import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageSet, loadEmoji } from '@ahpa/emoji-data';
import { eagerEngine } from '@ahpa/engine';
import { splitByName } from '@ahpa/image-data';
import { readVae, type VaeTree, vaeParams } from '@ahpa/image-features';
import { disposeTree, philox } from '@ahpa/ops';
import { initVae, parseVaeConfig } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateVae, reconstructor } from '../src/vae/evaluate.ts';
import { imageBatch, toBytes } from '../src/vae/images.ts';
import { initVaeState, vaeTrainStep } from '../src/vae/objective.ts';
import { vaeTrainConfig } from '../src/vae/recipe.ts';
import { type TrainVaeOptions, trainVae } from '../src/vae/train.ts';
import { listener, TINY_VAE, temporary, writeTinyVae } from './tiny.ts';

const home = temporary();
let set: ImageSet;

beforeAll(async () => {
  set = await loadEmoji({ sets: ['noto'], size: 16, perClass: 2, cacheDir: join(home, 'cache') });
});

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
    const { psnr, latentStd, step } = await trainVae(set, options('whole', 4), listener());
    expect(step).toBe(4);
    const files = await readVae({ kind: 'file', path: join(home, 'whole') });
    expect(files.config.scalingFactor).toBeCloseTo(1 / latentStd, 4);
    expect(readdirSync(join(home, 'whole', 'checkpoints')).length).toBe(2);
    expect(existsSync(join(home, 'whole', 'reconstructions.png'))).toBe(true);
    const model = eagerEngine.model(vaeParams(files));
    const { heldOut } = splitByName(set.codes, 0.3);
    expect(evaluateVae(reconstructor(model, files.config), set, heldOut).psnr).toBeCloseTo(psnr, 1);
    model.dispose();
  });

  it('continues bit-identically', async () => {
    await trainVae(set, options('parts', 2), listener());
    const reporter = listener();
    await trainVae(set, options('parts', 4), reporter);
    expect(reporter.said.join()).toContain('after step 2');
    expect(weights('parts').equals(weights('whole'))).toBe(true);
  });
});

describe('vaeTrainStep', () => {
  it('lowers the error and keeps the number of live tensors', () => {
    const config = { ...vaeTrainConfig(100), schedule: { kind: 'constant', base: 3e-3 } as const };
    const x = imageBatch(set, [0, 1]);
    let state = initVaeState(initVae(TINY_VAE, philox(0)) as VaeTree);
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

describe('readVae', () => {
  it('names a config it cannot use', async () => {
    const path = await writeTinyVae(join(home, 'odd'));
    const json = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    expect(parseVaeConfig(json)).toEqual(TINY_VAE);
    writeFileSync(join(path, 'config.json'), JSON.stringify({ ...json, _class_name: 'VQModel' }));
    await expect(readVae({ kind: 'file', path })).rejects.toThrow(/config\.json cannot be used: .*VQModel/);
  });
});
