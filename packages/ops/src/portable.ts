/** Operations that the wasm backend computes wrongly in TensorFlow.js 4.22, right on every backend (decision 32). */
import * as tf from '@tensorflow/tfjs-core';

/**
 * One-hot rows in float32 of indices below `depth`: int32 [B] -> [B, depth]. tfjs wants a depth of 2 at least, and wasm, asked for
 * float32, writes the bits of integers.
 */
export function oneHot(indices: tf.Tensor1D, depth: number): tf.Tensor2D {
  return tf.tidy(() => {
    const rows = tf.cast(tf.oneHot(indices, Math.max(depth, 2), 1, 0, 'int32'), 'float32') as tf.Tensor2D;
    return depth < 2 ? tf.slice(rows, [0, 0], [-1, depth]) : rows;
  });
}

/** ln(1 + x) for small x too, of any shape. wasm takes the logarithm of the rounded sum, which is right for large x alone. */
export function log1p<X extends tf.Tensor>(x: X): X {
  if (tf.getBackend() !== 'wasm') return tf.log1p(x);
  return tf.tidy(() => {
    const series = tf.mul(tf.atanh(tf.div(x, tf.add(x, 2))), 2);
    return tf.where(tf.less(tf.abs(x), 0.5), series, tf.log1p(x)) as X;
  });
}
