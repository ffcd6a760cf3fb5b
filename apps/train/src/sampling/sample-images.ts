/** Sampling of images: noise and labels in, pixels out. */

import { setImmediate } from 'node:timers/promises';
import { sample, sampleNoise } from '@ahpa/dit-core';
import { toBytes } from '@ahpa/image-data';
import { userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { GridImages } from '../files/image-grid.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import type { DataShape } from '../records/checkpoints.ts';

/** Images sampled together. */
const BATCH = 72;

/** Images to sample together: each depends on the seed, its own index and its label alone. */
export interface ImageRequest {
  readonly indices: readonly number[];
  readonly labels: readonly number[];
  readonly seed: number;
  /** Pad the batch to so many images, so that one compiled graph serves batches of several sizes. */
  readonly padTo?: number;
}

type OnStep = (done: number, total: number) => void;

/** One image for each index; `onStep` is called after every step of the sampler. @throws where a value is not finite. */
export async function sampleImages(
  { velocity, weak, decode, shape, config }: ImageSampler,
  { indices, labels, seed, padTo = 0 }: ImageRequest,
  onStep?: OnStep,
): Promise<GridImages> {
  await setImmediate();
  const n = indices.length;
  const fill = <T>(list: readonly T[]): T[] =>
    Array.from({ length: Math.max(n, padTo) }, (_, i) => list[Math.min(i, n - 1)] as T);
  const normal = (stream: string, step = 0): tf.Tensor =>
    sampleNoise(philox(seed), fill(indices), latentShape(shape), `sample/${stream}`, step);
  const images = tf.tidy(() => {
    const noise = normal('noise') as tf.Tensor4D;
    const stepNoise = (step: number): tf.Tensor => normal('sde', step);
    const tools = { stepNoise, ...(weak && { weak }), ...(onStep && { onStep }) };
    return decode(sample(velocity, noise, tf.tensor1d(fill(labels), 'int32'), config, tools));
  });
  const [, height, width] = images.shape;
  const values = (await images.data()).subarray(0, n * height * width * 3);
  images.dispose();
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    const i = Math.floor(wrong / (height * width * 3));
    throw userError(
      `Image ${indices[i]} (class ${labels[i]}) has a value that is not finite: the weights are damaged, or the guidance weight ${config.guidance} is too large.`,
    );
  }
  return { data: toBytes(values), shape: [n, height, width, 3] };
}

/** One image for each label, numbered from 0, in batches; the same seed, labels and weights give the same images. */
export async function sampleInBatches(
  sampler: ImageSampler,
  labels: readonly number[],
  seed: number,
  onStep: OnStep = () => undefined,
): Promise<GridImages> {
  const batches = Math.ceil(labels.length / BATCH);
  const padTo = batches > 1 ? BATCH : 0;
  const parts: GridImages[] = [];
  for (let k = 0; k < batches; k++) {
    const part = labels.slice(k * BATCH, (k + 1) * BATCH);
    const indices = part.map((_, i) => k * BATCH + i);
    const report: OnStep = (done, steps) => onStep(k * steps + done, batches * steps);
    parts.push(await sampleImages(sampler, { indices, labels: part, seed, padTo }, report));
  }
  const [, height = 0, width = 0] = parts[0]?.shape ?? [];
  return { data: Buffer.concat(parts.map(({ data }) => data)), shape: [labels.length, height, width, 3] };
}

const latentShape = ({ latentSize, latentChannels }: DataShape): readonly number[] => [
  latentSize,
  latentSize,
  latentChannels,
];
