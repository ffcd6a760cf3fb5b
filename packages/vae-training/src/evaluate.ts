/** Quality of a VAE's reconstructions and scale of its latents. */

import { setImmediate } from 'node:timers/promises';
import type { ImageSet } from '@ahpa/emoji-data';
import type { Model } from '@ahpa/engine';
import { toBytes } from '@ahpa/image-data';
import { decode, encode, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { imageBatch } from './images.ts';

/** Quality over a set of images. */
export interface VaeQuality {
  /** Peak signal-to-noise ratio in dB, averaged over images. */
  readonly psnr: number;
  /** Standard deviation of the posterior means over images, positions and channels. */
  readonly latentStd: number;
}

const BATCH = 32;

/** The forward pass of a VAE: `x [B, H, W, 3]` to `restored [B, H, W, 3]` in [-1, 1] and the posterior's `mean [B, h, w, C]`. */
export function reconstructor(
  model: Model<VaeParams>,
  vae: VaeConfig,
): (x: tf.Tensor4D) => { restored: tf.Tensor; mean: tf.Tensor } {
  return model.map((params, x: tf.Tensor4D) => {
    const { mean } = encode(params, x, vae).posterior;
    return { restored: tf.clipByValue(decode(params, mean, vae), -1, 1), mean };
  });
}

/** PSNR of the reconstructions of the images `rows`, and the deviation of their latents. */
export async function evaluateVae(
  reconstruct: ReturnType<typeof reconstructor>,
  set: ImageSet,
  rows: Uint32Array,
): Promise<VaeQuality> {
  let [psnr, sum, squares, count] = [0, 0, 0, 0];
  for (let start = 0; start < rows.length; start += BATCH) {
    const part = rows.subarray(start, start + BATCH);
    tf.tidy(() => {
      const x = imageBatch(set, part);
      const { restored, mean } = reconstruct(x);
      const errors = tf.mean(tf.squaredDifference(restored, x), [1, 2, 3]).dataSync();
      for (const error of errors) psnr += -10 * Math.log10(error / 4);
      for (const value of mean.dataSync()) {
        sum += value;
        squares += value * value;
      }
      count += mean.size;
    });
    await setImmediate(); // signals arrive between batches
  }
  return { psnr: psnr / rows.length, latentStd: Math.sqrt(squares / count - (sum / count) ** 2) };
}

/** Images, each followed by its reconstruction: uint8 RGB, `shape` is `[2 n, H, W, 3]`. */
export interface ImagePairs {
  readonly data: Uint8Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: 3];
}

/** The images `rows` with their reconstructions. */
export function pairWithReconstruction(
  reconstruct: ReturnType<typeof reconstructor>,
  set: ImageSet,
  rows: Uint32Array,
): ImagePairs {
  const { size } = set;
  const values = tf.tidy(() => {
    const x = imageBatch(set, rows);
    return tf.stack([x, reconstruct(x).restored], 1).dataSync();
  });
  return { data: toBytes(values), shape: [2 * rows.length, size, size, 3] };
}
