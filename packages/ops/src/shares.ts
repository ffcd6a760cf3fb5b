/** Statistics of weights over groups; all accept weights of images [B, G] and of tokens [B, T, G]. */
import * as tf from '@tensorflow/tfjs-core';

// Inside a logarithm, so that a weight of exactly zero has a finite gradient.
const TINY = 1e-12;

/** Weights brought to sum 1 in every row, for weights that are none: [..., G] -> [..., G]. */
export function shares<T extends tf.Tensor>(weights: T): T {
  return tf.tidy(() => tf.div(weights, tf.add(tf.sum(weights, -1, true), TINY)) as T);
}

/** Mean weight of every group: [..., G] -> [G]. */
export function marginals(weights: tf.Tensor): tf.Tensor1D {
  return tf.tidy(() => {
    const groups = weights.shape.at(-1) as number;
    return tf.mean(tf.reshape(weights, [-1, groups]), 0) as tf.Tensor1D;
  });
}

/** Entropy of every row in nats, at most ln G: [..., G] -> [...]. */
export function entropy<T extends tf.Tensor = tf.Tensor1D>(weights: tf.Tensor): T {
  return tf.tidy(() => tf.neg(tf.sum(tf.mul(weights, tf.log(tf.add(weights, TINY))), -1)) as T);
}
