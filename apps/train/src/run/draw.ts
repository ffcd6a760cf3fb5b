/** Draws images: noise and labels in, pixels out. */

import { setImmediate } from 'node:timers/promises';
import { type SampleConfig, sample, sampleNoise, type VelocityFn } from '@ahpa/dit-core';
import { philox } from '@ahpa/trainer';
import { decode, unscaleLatent, type VaeConfig } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { toBytes } from '../vae/images.ts';
import type { VaeTree } from '../vae/load.ts';
import type { GridImages } from '../visual/grid.ts';
import type { DataShape } from '../wiring.ts';
import type { Model } from './engine.ts';

/** Images drawn together. */
const BATCH = 72;

/** Turns latents in diffusion units `[B, h, w, C]` into images `[B, H, W, 3]`. */
export type Decoder = (latent: tf.Tensor4D) => tf.Tensor4D;

/** The decoder of a VAE. */
export function decoder(vae: Model<VaeTree>, config: VaeConfig): Decoder {
  const run = vae.bind((params, latent: tf.Tensor4D) => ({
    image: decode(params, unscaleLatent(latent, config), config),
  }));
  return (latent) => run(latent).image;
}

/** What images are drawn with. */
export interface Artist {
  readonly velocity: VelocityFn;
  readonly decode: Decoder;
  readonly shape: DataShape;
  readonly config: SampleConfig;
}

/** One image for each label. The same seed, labels and weights give the same images; `onStep` hears of sampler steps. */
export async function drawImages(
  { velocity, decode, shape, config }: Artist,
  labels: readonly number[],
  seed: number,
  onStep: (done: number, total: number) => void = () => undefined,
): Promise<GridImages> {
  const parts: Uint8Array[] = [];
  const batches = Math.ceil(labels.length / BATCH);
  let size = 0;
  for (let k = 0; k < batches; k++) {
    await setImmediate();
    const part = labels.slice(k * BATCH, (k + 1) * BATCH);
    const indices = part.map((_, i) => k * BATCH + i);
    const normal = (stream: string, step = 0): tf.Tensor =>
      sampleNoise(philox(seed), indices, latentShape(shape), `sample/${stream}`, step);
    const image = tf.tidy(() => {
      const noise = normal('noise') as tf.Tensor4D;
      const report = (done: number, steps: number): void => onStep(k * steps + done, batches * steps);
      const tools = { stepNoise: (step: number) => normal('sde', step), onStep: report };
      return decode(sample(velocity, noise, tf.tensor1d(part, 'int32'), config, tools));
    });
    parts.push(toBytes(await image.data()));
    size = image.shape[1];
    image.dispose();
  }
  return { data: joined(parts), shape: [labels.length, size, size, 3] };
}

const latentShape = ({ latentSize, latentChannels }: DataShape): readonly number[] => [
  latentSize,
  latentSize,
  latentChannels,
];

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  parts.reduce((offset, part) => {
    all.set(part, offset);
    return offset + part.length;
  }, 0);
  return all;
}
