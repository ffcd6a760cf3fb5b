/** What keeps a router from collapsing and what to log about it. */
import * as tf from '@tensorflow/tfjs-core';

// Inside a logarithm, so that a weight of exactly zero has a finite gradient.
const TINY = 1e-12;

/** KL(mean over the batch of w || uniform), 0 when the batch uses all groups alike: [B, G] -> scalar. */
export function loadBalance(weights: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const share = tf.mean(weights, 0); // [G]
    return tf.sum(tf.mul(share, tf.log(tf.add(tf.mul(share, weights.shape[1]), TINY))));
  });
}

/** Entropy of every row in nats, at most ln G: [B, G] -> [B]. */
export function entropy(weights: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.neg(tf.sum(tf.mul(weights, tf.log(tf.add(weights, TINY))), 1)) as tf.Tensor1D);
}

/** Mean weights by time: `mean` [bins, G] (zero rows where no t fell) and `count` [bins]. */
export type RouteStats = { readonly mean: tf.Tensor2D; readonly count: tf.Tensor1D };

/** Mean weights in equal bins of t over [0, 1]: weights [B, G], t [B] -> mean [bins, G], count [bins]. */
export function routeStats(weights: tf.Tensor2D, t: tf.Tensor1D, bins = 10): RouteStats {
  return tf.tidy(() => {
    const bin = tf.cast(tf.clipByValue(tf.floor(tf.mul(t, bins)), 0, bins - 1), 'int32');
    const member = tf.oneHot(bin, bins, 1, 0, 'float32') as tf.Tensor2D; // [B, bins]
    const count = tf.sum(member, 0) as tf.Tensor1D;
    const total = tf.matMul(member, weights, true, false);
    return { mean: tf.div(total, tf.reshape(tf.maximum(count, 1), [bins, 1])) as tf.Tensor2D, count };
  });
}
