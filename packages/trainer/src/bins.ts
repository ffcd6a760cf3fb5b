/** Sums in equal bins of the time. */
import * as tf from '@tensorflow/tfjs-core';
import type { Metrics } from './ports.ts';
import { tidyTree } from './tree.ts';

/** Bins of t in reports. */
export const TIME_BINS = 10;

/** Which of `bins` equal bins of [0, 1] each time falls into, t = 1 in the last: `t [B] -> [B, bins]` of zeros and ones. */
export function timeBins(t: tf.Tensor1D, bins: number): tf.Tensor2D {
  return tf.tidy(() => {
    const bin = tf.clipByValue(tf.floor(tf.mul(t, bins)), 0, bins - 1);
    return tf.oneHot(tf.cast(bin, 'int32'), bins, 1, 0, 'float32') as tf.Tensor2D;
  });
}

/** Sums `values [B]` and counts items in equal bins of `t [B]`: `{ name.sum, name.count }`, [bins] each. */
export function binByTime(
  name: string,
  values: tf.Tensor1D,
  t: tf.Tensor1D,
  bins: number = TIME_BINS,
): Metrics {
  return tidyTree(() => {
    const member = timeBins(t, bins);
    const sum = tf.sum(tf.mul(tf.reshape(values, [-1, 1]), member), 0);
    return { [`${name}.sum`]: sum, [`${name}.count`]: tf.sum(member, 0) };
  });
}
