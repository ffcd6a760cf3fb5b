/** Statistics of a router's weights. */
import { marginals, timeBins } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';

// Inside a logarithm, so that a weight of exactly zero has a finite gradient.
const TINY = 1e-12;

/** KL(share || uniform), 0 when all groups are used equally: shares [G], by default the marginals of the weights [..., G], -> scalar. */
export function loadBalance(weights: tf.Tensor, shares?: tf.Tensor1D): tf.Scalar {
  return tf.tidy(() => {
    const share = shares ?? marginals(weights);
    return tf.sum(tf.mul(share, tf.log(tf.add(tf.mul(share, share.size), TINY)))) as tf.Scalar;
  });
}

/** Mean weights by time: `mean` [bins, G] (zero rows where no t fell) and `count` [bins]. */
export type RouteStats = { readonly mean: tf.Tensor2D; readonly count: tf.Tensor1D };

/** Mean weights in equal bins of t over [0, 1]: weights [B, G], t [B] -> mean [bins, G], count [bins]. */
export function routeStats(weights: tf.Tensor2D, t: tf.Tensor1D, bins = 10): RouteStats {
  return tf.tidy(() => {
    const member = timeBins(t, bins);
    const count = tf.sum(member, 0) as tf.Tensor1D;
    const total = tf.matMul(member, weights, true, false);
    return { mean: tf.div(total, tf.reshape(tf.maximum(count, 1), [bins, 1])) as tf.Tensor2D, count };
  });
}
