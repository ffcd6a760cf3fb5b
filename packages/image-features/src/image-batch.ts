/** Images as one tensor. */
import * as tf from '@tensorflow/tfjs-core';

/** Images `[size, size, 3]` of bytes as `[B, size, size, 3]` in [-1, 1], owned by the caller. */
export function imageBatch(images: readonly Uint8Array[], size: number): tf.Tensor4D {
  const stride = size * size * 3;
  const values = new Float32Array(images.length * stride);
  images.forEach((pixels, i) => {
    for (let j = 0, at = i * stride; j < stride; j++, at++) values[at] = (pixels[j] as number) / 127.5 - 1;
  });
  return tf.tensor4d(values, [images.length, size, size, 3]);
}

/** A whole batch: the last image fills it up, so that all batches have one shape. */
export const padBatch = (images: readonly Uint8Array[], batch: number): Uint8Array[] =>
  Array.from({ length: batch }, (_, i) => images[Math.min(i, images.length - 1)] as Uint8Array);
