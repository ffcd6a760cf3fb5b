/** Sampling of images: noise and labels in, pixels out. */

import { setImmediate } from 'node:timers/promises';
import { sampleNoise, sampleSteps } from '@ahpa/dit-core';
import { toBytes } from '@ahpa/image-data';
import { type Stretch, unwatched, userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { GridImages } from '../files/image-grid.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import { stepFlops } from '../models/sampler-cost.ts';
import type { DataShape } from '../records/checkpoints.ts';

/** The most images sampled together. */
const MOST_TOGETHER = 72;

/** Arithmetic of one call at most, a few seconds' work of two cores. */
const CALL_FLOPS = 2e11;

/** Images to sample together: each depends on the seed, its own index and its label alone. */
export interface ImageRequest {
  readonly indices: readonly number[];
  readonly labels: readonly number[];
  readonly seed: number;
  /** Pad the batch to so many images, so that one compiled graph serves batches of several sizes. */
  readonly padTo?: number;
  /** Decode so many at a time; default all. */
  readonly decodeTogether?: number;
}

/** Observers of sampling, which gives way to other work after every step of the sampler. */
export interface SamplingHooks {
  /** Called after every step of the sampler. */
  readonly onStep?: (done: number, total: number) => void;
  /** Ends it after the step in progress. */
  readonly signal?: AbortSignal;
  /** Announces each step of the sampler and the decoding. */
  readonly stretch?: Stretch;
}

/** One image for each index. @throws where a value is not finite, and the signal's reason after an abort. */
export async function sampleImages(
  sampler: ImageSampler,
  { indices, labels, seed, padTo = 0, decodeTogether = Number.POSITIVE_INFINITY }: ImageRequest,
  hooks: SamplingHooks = {},
): Promise<GridImages> {
  const { shape, config } = sampler;
  const n = indices.length;
  const fill = <T>(list: readonly T[]): T[] =>
    Array.from({ length: Math.max(n, padTo) }, (_, i) => list[Math.min(i, n - 1)] as T);
  const normal = (stream: string, step = 0): tf.Tensor =>
    tf.tidy(() => sampleNoise(philox(seed), fill(indices), latentShape(shape), `sample/${stream}`, step));
  const latents = await sampleLatents(sampler, fill(labels), normal, hooks);
  const { values, height, width } = await decodeImages(sampler, latents, n, decodeTogether, hooks).finally(
    () => latents.dispose(),
  );
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const i = Math.floor(wrong / (height * width * 3));
    throw userError(
      `Image ${indices[i]} (class ${labels[i]}) has a value that is not finite: the weights are damaged, or the guidance weight ${config.guidance} is too large.`,
    );
  }
  return { data: toBytes(values), shape: [n, height, width, 3] };
}

/** Pixels of the first `n` latents, decoded `together` at a time; the event loop runs in between. */
async function decodeImages(
  { decode }: ImageSampler,
  latents: tf.Tensor4D,
  n: number,
  together: number,
  { signal, stretch = unwatched }: SamplingHooks,
): Promise<{ values: Float32Array; height: number; width: number }> {
  const [all] = latents.shape;
  const parts: Float32Array[] = [];
  let size = [0, 0];
  for (let first = 0; first < n; first += together) {
    signal?.throwIfAborted();
    await stretch('Decoding a batch', async () => {
      const images = tf.tidy(() => decode(tf.slice(latents, first, Math.min(together, all - first))));
      parts.push((await images.data()) as Float32Array);
      size = images.shape.slice(1, 3);
      images.dispose();
    });
    await setImmediate();
  }
  const [height = 0, width = 0] = size;
  const values = new Float32Array(n * height * width * 3);
  let offset = 0;
  for (const part of parts) {
    values.set(part.subarray(0, values.length - offset), offset);
    offset += part.length;
  }
  return { values, height, width };
}

/** Latents of the labels, owned by the caller; the event loop runs between the steps. */
async function sampleLatents(
  { velocity, weak, config }: ImageSampler,
  labels: readonly number[],
  normal: (stream: string, step?: number) => tf.Tensor,
  { onStep, signal, stretch = unwatched }: SamplingHooks,
): Promise<tf.Tensor4D> {
  await setImmediate();
  signal?.throwIfAborted();
  const inputs = { noise: normal('noise') as tf.Tensor4D, y: tf.tensor1d([...labels], 'int32') };
  const tools = { stepNoise: (step: number): tf.Tensor => normal('sde', step), ...(weak && { weak }) };
  const steps = sampleSteps(velocity, inputs.noise, inputs.y, config, tools);
  try {
    const advance = (): Promise<ReturnType<typeof steps.next>> =>
      stretch('A step of the sampler', () => steps.next()).catch((error) => steps.throw(error));
    for (let next = await advance(); ; next = await advance()) {
      if (next.done) return next.value;
      onStep?.(next.value.done, next.value.total);
      await setImmediate();
      if (signal?.aborted) steps.throw(signal.reason);
    }
  } finally {
    tf.dispose(inputs);
  }
}

/** Does `work`; resolves to undefined where the signal's abort ended it. */
export async function untilAbort<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    return undefined;
  }
}

/**
 * One image for each label, numbered from 0, in batches that are handed on one by one; the same seed, labels and weights give the same
 * images.
 */
export async function sampleInBatches(
  sampler: ImageSampler,
  labels: readonly number[],
  seed: number,
  onImages: (first: number, images: GridImages) => Promise<void>,
  { onStep, ...others }: SamplingHooks = {},
): Promise<void> {
  const { flops, config } = sampler;
  const batch = together(stepFlops(flops, config));
  const decodeTogether = together(flops.decoding);
  const batches = Math.ceil(labels.length / batch);
  const padTo = batches > 1 ? batch : 0;
  for (let k = 0; k < batches; k++) {
    const first = k * batch;
    const part = labels.slice(first, first + batch);
    const indices = part.map((_, i) => first + i);
    const hooks: SamplingHooks = {
      ...others,
      onStep: (done, steps) => onStep?.(k * steps + done, batches * steps),
    };
    await onImages(
      first,
      await sampleImages(sampler, { indices, labels: part, seed, padTo, decodeTogether }, hooks),
    );
    others.signal?.throwIfAborted();
  }
}

/** Images of one call, as many as keep it to a few seconds, after which a signal is obeyed. */
const together = (flopsOfOne: number): number =>
  Math.max(1, Math.min(MOST_TOGETHER, Math.floor(CALL_FLOPS / flopsOfOne)));

const latentShape = ({ latentSize, latentChannels }: DataShape): readonly number[] => [
  latentSize,
  latentSize,
  latentChannels,
];
