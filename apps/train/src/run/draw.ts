/** Draws images: noise and labels in, pixels out. */

import { setImmediate } from 'node:timers/promises';
import { type SampleConfig, sample, sampleNoise, type VelocityFn } from '@ahpa/dit-core';
import type { Model } from '@ahpa/engine';
import { userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import { decode, unscaleLatent, type VaeConfig } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import type { DataShape } from '../models/shapes.ts';
import { toBytes } from '../vae/images.ts';
import type { VaeTree } from '../vae/load.ts';
import type { GridImages } from '../visual/grid.ts';

/** Images drawn together. */
const BATCH = 72;

/** Turns latents in diffusion units `[B, h, w, C]` into images `[B, H, W, 3]`. */
export type Decoder = (latent: tf.Tensor4D) => tf.Tensor4D;

/** The decoder of a VAE. */
export function decoder(vae: Model<VaeTree>, config: VaeConfig): Decoder {
  const run = vae.map((params, latent: tf.Tensor4D) => ({
    image: decode(params, unscaleLatent(latent, config), config),
  }));
  return (latent) => run(latent).image;
}

/** What images are drawn with. */
export interface Artist {
  readonly velocity: VelocityFn;
  /** The model that guidance leads away from, in place of the null class. */
  readonly weak?: VelocityFn;
  readonly decode: Decoder;
  readonly shape: DataShape;
  readonly config: SampleConfig;
}

/** Images to draw together: each depends on the seed, its own index and its label alone. */
export interface DrawBatch {
  readonly indices: readonly number[];
  readonly labels: readonly number[];
  readonly seed: number;
  /** Draw as if there were so many images, for one compiled graph to serve batches of several sizes. */
  readonly padTo?: number;
}

type OnStep = (done: number, total: number) => void;

/** One image for each index; `onStep` hears of sampler steps. */
export async function drawBatch(
  { velocity, weak, decode, shape, config }: Artist,
  { indices, labels, seed, padTo = 0 }: DrawBatch,
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

/** One image for each label, numbered from 0. The same seed, labels and weights give the same images. */
export async function drawImages(
  artist: Artist,
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
    parts.push(await drawBatch(artist, { indices, labels: part, seed, padTo }, report));
  }
  const [, height = 0, width = 0] = parts[0]?.shape ?? [];
  return { data: Buffer.concat(parts.map(({ data }) => data)), shape: [labels.length, height, width, 3] };
}

const latentShape = ({ latentSize, latentChannels }: DataShape): readonly number[] => [
  latentSize,
  latentSize,
  latentChannels,
];
