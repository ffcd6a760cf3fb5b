/**
 * Denoising loss of examples that are never trained on, in ten equal bins of t: cheap, and paired over runs and steps, since
 * every example meets the same posterior sample, noise and times each time.
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Model } from '@ahpa/engine';
import { userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { noiseLatents, type Task, type TrainDeps } from '@ahpa/trainer';
import { openNpy, toFloat32, writeNpy } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { Examples } from '../features/examples.ts';
import type { RunFolder } from '../run/folder.ts';

/** Bins of t. */
export const BINS = 10;
const BATCH = 32;

/** Loss of each example in each bin, `[n, BINS]` row-major. */
export interface HeldOutLoss {
  readonly n: number;
  readonly values: Float32Array;
}

/** A mean and its standard error over examples. */
export interface MeanError {
  readonly mean: number;
  readonly standardError: number;
}

/** A loss over all times, and in each bin. */
export interface LossSummary extends MeanError {
  readonly byTime: readonly MeanError[];
}

type Denoise<P extends Tree> = TrainDeps<P & Tree, Tree, Tree>['denoiser']['apply'];

/** Computes the losses of a denoiser's weights, as a function to be called at any step. */
export function heldOutLoss<P extends Tree>(
  { denoiser, interpolant }: Pick<TrainDeps<P & Tree, Tree, Tree>, 'denoiser' | 'interpolant'>,
  model: Model<P>,
  seed: number,
): (examples: Examples, most: number) => Promise<HeldOutLoss> {
  const rng = philox(seed);
  const losses = model.bind(
    (params: P, mean: tf.Tensor4D, std: tf.Tensor4D, y: tf.Tensor1D, place: tf.Tensor) => {
      const draw = (name: string) => rng.normal(mean.shape, `held-out/${name}`, place) as tf.Tensor4D;
      const offset = rng.uniform([BATCH], 'held-out/time', place);
      const t = tf.div(tf.add(tf.mod(place, BINS), offset), BINS) as tf.Tensor1D;
      const random = { posterior: draw('posterior'), noise: draw('noise'), t };
      const { xt, velocity: wanted } = noiseLatents(interpolant, { mean, std }, random);
      const { velocity } = (denoiser.apply as Denoise<P>)(params as P & Tree, xt, t, y);
      return { items: tf.mean(tf.square(tf.sub(velocity, wanted)), [1, 2, 3]) };
    },
  );
  return async (examples, most) => {
    const n = Math.min(most, examples.count);
    const values = new Float32Array(n * BINS);
    for (let start = 0; start < n; start += BATCH) {
      const rows = Uint32Array.from({ length: BATCH }, (_, i) => Math.min(start + i, n - 1));
      const { latent, y, targets } = await examples.batch(rows);
      for (let bin = 0; bin < BINS; bin++) {
        const place = tf.scalar((start / BATCH) * BINS + bin, 'int32');
        const { items } = losses(latent.mean, latent.std, y, place);
        const found = await items.data();
        for (let i = 0; start + i < n && i < BATCH; i++)
          values[(start + i) * BINS + bin] = found[i] as number;
        tf.dispose([items, place]);
      }
      tf.dispose([latent.mean, latent.std, y]);
      tf.dispose(targets as tf.TensorContainer);
    }
    return { n, values };
  };
}

function meanError(values: readonly number[]): MeanError {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** Means over examples, with their standard errors. */
export function summarize({ n, values }: HeldOutLoss): LossSummary {
  const rows = Array.from({ length: n }, (_, i) => values.subarray(i * BINS, (i + 1) * BINS));
  const whole = rows.map((row) => row.reduce((a, b) => a + b, 0) / BINS);
  const bin = (b: number): MeanError => meanError(rows.map((row) => row[b] as number));
  return { ...meanError(whole), byTime: Array.from({ length: BINS }, (_, b) => bin(b)) };
}

/** Losses of `a` minus those of `b`, example by example. Throws where they are not of the same examples. */
export function pairedLoss(a: HeldOutLoss, b: HeldOutLoss): LossSummary {
  if (a.n !== b.n)
    throw userError(`The held-out losses are of ${a.n} and of ${b.n} examples: they are not paired.`);
  return summarize({ n: a.n, values: a.values.map((value, i) => value - (b.values[i] as number)) });
}

const folderOf = ({ root }: Pick<RunFolder, 'root'>): string => join(root, 'evaluation');
const NAME = /^loss-(\d{7,})\.npy$/;

/** File of the losses of a step. */
export const lossPath = (folder: Pick<RunFolder, 'root'>, step: number): string =>
  join(folderOf(folder), `loss-${String(step).padStart(7, '0')}.npy`);

/** Steps of a run that have losses, ascending. */
export async function lossSteps(folder: Pick<RunFolder, 'root'>): Promise<number[]> {
  const names = await readdir(folderOf(folder)).catch(() => []);
  return names.flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => a - b);
}

/** Reads the losses of a step. */
export async function readLoss(folder: Pick<RunFolder, 'root'>, step: number): Promise<HeldOutLoss> {
  const file = await openNpy(lossPath(folder, step));
  try {
    return { n: file.shape[0] as number, values: toFloat32(await file.read()) };
  } finally {
    await file.close();
  }
}

/** Keeps the losses of every `every` steps and of the end; `say` hears of their means. */
export function heldOutTask(
  { every, images }: { readonly every: number; readonly images: number },
  folder: RunFolder,
  heldOut: () => Promise<Examples>,
  loss: (examples: Examples, most: number) => Promise<HeldOutLoss>,
  say: (text: string) => void,
): Task[] {
  if (every === 0) return [];
  const measure = async (step: number): Promise<void> => {
    if (existsSync(lossPath(folder, step))) return;
    const found = await loss(await heldOut(), images);
    await mkdir(folderOf(folder), { recursive: true });
    const data = new Uint8Array(found.values.buffer);
    await writeNpy(lossPath(folder, step), { dtype: 'F32', shape: [found.n, BINS], data });
    const { mean, standardError } = summarize(found);
    say(
      `step ${step}: held-out loss ${mean.toFixed(4)} +- ${standardError.toFixed(4)} (${found.n} examples)`,
    );
  };
  return [{ every, atEnd: 'complete', run: measure }];
}
