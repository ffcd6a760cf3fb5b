/** Between pixels and tensors. */

import type { ImageSet } from '@ahpa/emoji-data';
import * as tf from '@tensorflow/tfjs-core';

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

/** Pixels of images in [-1, 1] as uint8, cut off below as REPA does: values of `[B, H, W, 3]` -> bytes. */
export const toBytes = (values: ArrayLike<number>): Uint8Array =>
  Uint8Array.from(values, (value) => Math.min(Math.max((value + 1) * 127.5, 0), 255));
