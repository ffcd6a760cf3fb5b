/** Trains a small AutoencoderKL on images and writes it in diffusers' layout; stops and resumes at any step. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compile, type DeviceState, deviceState, type Precision } from '@ahpa/libtensorflow';
import { batchIndices, flatten, paths, philox, type Tree, unflatten } from '@ahpa/trainer';
import {
  decode,
  encode,
  initVae,
  type VaeConfig,
  type VaeParams,
  vaeConfigJson,
  vaeStateDict,
} from '@ahpa/vae-hierarchy';
import { fromFloat32, readSafetensors, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { type ImageSet, type Split, split } from '../data/emoji.ts';
import type { Reporter } from '../report.ts';
import { initVaeState, type VaeTrainConfig, type VaeTrainState, vaeTrainStep } from './objective.ts';

/** What `trainVae` needs beside the images. */
export interface TrainVaeOptions {
  readonly out: string;
  readonly steps: number;
  readonly batch: number;
  readonly seed: number;
  readonly holdOut: number;
  readonly saveEvery: number;
  readonly precision: Precision;
  readonly vae: VaeConfig;
  readonly optim: VaeTrainConfig;
}

/** The demo's VAE: f8, four latent channels, 1.84 million parameters. */
export const EMOJI_VAE: VaeConfig = {
  inChannels: 3,
  blockOutChannels: [24, 48, 64, 96],
  layersPerBlock: 1,
  latentChannels: 4,
  normNumGroups: 8,
  midBlockAttention: true,
  scalingFactor: 1,
  shiftFactor: 0,
};

/** Images `rows` of a set as `[B, H, W, 3]` in [-1, 1]. */
export function imageBatch({ images, size }: ImageSet, rows: ArrayLike<number>): tf.Tensor4D {
  const length = size * size * 3;
  const values = new Float32Array(rows.length * length);
  for (let i = 0; i < rows.length; i++) {
    const offset = (rows[i] as number) * length;
    for (let j = 0; j < length; j++) values[i * length + j] = (images[offset + j] as number) / 127.5 - 1;
  }
  return tf.tensor4d(values, [rows.length, size, size, 3]);
}

const stateFile = (out: string): string => join(out, 'training-state.safetensors');

async function saveState(out: string, state: VaeTrainState): Promise<void> {
  const names = paths(state as unknown as Tree);
  const tensors: Record<string, TensorEntry> = {};
  for (const [i, leaf] of flatten(state as unknown as Tree).entries()) {
    const values = await leaf.data();
    const dtype = leaf.dtype === 'int32' ? 'I32' : 'F32';
    tensors[names[i] as string] = {
      dtype,
      shape: leaf.shape,
      data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    };
  }
  await writeSafetensors(stateFile(out), tensors);
}

async function loadState(out: string, like: VaeTrainState): Promise<VaeTrainState> {
  const { tensors } = await readSafetensors(stateFile(out));
  const leaves = paths(like as unknown as Tree).map((path) => {
    const entry = tensors[path];
    if (!entry)
      throw new Error(`${stateFile(out)} lacks ${path}: it belongs to another VAE; choose another folder`);
    const { buffer, byteOffset, byteLength } = entry.data;
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
    const values = entry.dtype === 'I32' ? new Int32Array(bytes) : new Float32Array(bytes);
    return tf.tensor(values, [...entry.shape], entry.dtype === 'I32' ? 'int32' : 'float32');
  });
  return unflatten(like as unknown as Tree, leaves) as unknown as VaeTrainState;
}

/** Peak signal-to-noise ratio of held-out reconstructions in dB, averaged over images, and the latents' standard deviation. */
export function evaluateVae(
  params: DeviceState<VaeParams & Record<string, never>>,
  vae: VaeConfig,
  set: ImageSet,
  rows: ArrayLike<number>,
): { psnr: number; latentStd: number } {
  const reconstruct = compile((weights: VaeParams & Record<string, never>, x: tf.Tensor) => {
    const { mean } = encode(weights, x as tf.Tensor4D, vae).posterior;
    const restored = tf.clipByValue(decode(weights, mean, vae), -1, 1);
    const error = tf.mean(tf.squaredDifference(tf.div(restored, 2), tf.div(x, 2)), [1, 2, 3]);
    return { error, sum: tf.sum(mean), squares: tf.sum(tf.square(mean)), count: tf.scalar(mean.size) };
  });
  const totals = { psnr: 0, sum: 0, squares: 0, count: 0 };
  const batch = 32;
  for (let start = 0; start + batch <= rows.length; start += batch) {
    tf.tidy(() => {
      const result = reconstruct(
        params,
        imageBatch(set, Array.prototype.slice.call(rows, start, start + batch)),
      );
      for (const error of result.error.dataSync()) totals.psnr += -10 * Math.log10(error);
      for (const key of ['sum', 'squares', 'count'] as const)
        totals[key] += result[key].dataSync()[0] as number;
    });
  }
  reconstruct.dispose();
  const mean = totals.sum / totals.count;
  return {
    psnr: totals.psnr / (Math.floor(rows.length / batch) * batch),
    latentStd: Math.sqrt(totals.squares / totals.count - mean ** 2),
  };
}

/** Writes `config.json` and fp16 weights of the averaged parameters, with the latents scaled to unit deviation. */
async function exportVae(out: string, params: VaeParams, vae: VaeConfig, latentStd: number): Promise<void> {
  const config = { ...vae, scalingFactor: Number((1 / latentStd).toPrecision(6)) };
  const dict = await vaeStateDict(params, config);
  const tensors = Object.fromEntries(
    Object.entries(dict).map(([key, { data, shape }]) => [key, fromFloat32(data, shape, 'F16')]),
  );
  await writeSafetensors(join(out, 'diffusion_pytorch_model.safetensors'), tensors, { format: 'pt' });
  await writeFile(join(out, 'config.json'), `${JSON.stringify(vaeConfigJson(config), null, 2)}\n`);
}

/** Trains until `steps`, saving to `out` as it goes; running it again continues. Returns the held-out PSNR in dB. */
export async function trainVae(
  set: ImageSet,
  options: TrainVaeOptions,
  reporter: Reporter,
): Promise<{ psnr: number; latentStd: number }> {
  const { out, vae, optim, batch, seed } = options;
  await mkdir(out, { recursive: true });
  const rng = philox(seed);
  const rows: Split = split(set, options.holdOut);
  const fresh = initVaeState(initVae(vae, rng));
  const initial = existsSync(stateFile(out)) ? await loadState(out, fresh) : fresh;
  const begin = initial.step.dataSync()[0] as number;
  const state = deviceState(initial as unknown as Tree) as unknown as DeviceState<
    VaeTrainState & Record<string, never>
  >;
  tf.dispose(flatten(initial as unknown as Tree));
  if (begin > 0) {
    tf.dispose(flatten(fresh as unknown as Tree));
    reporter.say(`continuing ${out} at step ${begin}`);
  }
  const step = compile(
    (s: VaeTrainState & Record<string, never>, x: tf.Tensor) =>
      vaeTrainStep(s, x as tf.Tensor4D, vae, optim, rng),
    { precision: options.precision },
  );
  const weights = state.view((s) => s.ema as VaeParams & Record<string, never>);
  const save = async (): Promise<{ psnr: number; latentStd: number }> => {
    const now = state.read();
    await saveState(out, now);
    const result = evaluateVae(weights, vae, set, rows.heldOut);
    await exportVae(out, now.ema, vae, result.latentStd);
    tf.dispose(flatten(now as unknown as Tree));
    return result;
  };
  const bar = reporter.progress<{ error: number }>(
    'training the VAE',
    options.steps,
    ({ value, total, perSecond, secondsLeft, payload }) =>
      `${value}/${total}  ${(perSecond * batch).toFixed(0)} img/s  train ${(-10 * Math.log10(payload.error / 4)).toFixed(2)} dB  ${Math.round(secondsLeft / 60)} min left`,
  );
  for (let k = begin; k < options.steps; k++) {
    const picked = batchIndices(seed, k, batch, rows.train.length);
    const error = tf.tidy(
      () =>
        step(
          state,
          imageBatch(
            set,
            picked.map((i) => rows.train[i] as number),
          ),
        ).error.dataSync()[0] as number,
    );
    if (!Number.isFinite(error))
      throw new Error(
        `the VAE's loss is ${error} at step ${k}; lower the learning rate and continue from ${out}`,
      );
    bar.update(k + 1, { error });
    if ((k + 1) % options.saveEvery === 0 && k + 1 < options.steps) {
      const { psnr, latentStd } = await save();
      reporter.say(
        `step ${k + 1}: held-out PSNR ${psnr.toFixed(2)} dB, latent deviation ${latentStd.toFixed(3)}`,
      );
    }
  }
  bar.stop();
  const result = await save();
  step.dispose();
  state.dispose();
  return result;
}
