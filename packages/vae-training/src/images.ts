/** Images of a set as tensors. */
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
