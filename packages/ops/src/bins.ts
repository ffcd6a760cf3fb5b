/** Equal bins of t. */
import type { Sums } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { oneHot } from './portable.ts';

/** Bins of t in reports. */
export const TIME_BINS = 10;

/** One-hot bin of each time in `bins` equal bins of [0, 1], t = 1 in the last: `t [B] -> [B, bins]`. */
export function timeBins(t: tf.Tensor1D, bins: number): tf.Tensor2D {
  return tf.tidy(() => {
    const bin = tf.clipByValue(tf.floor(tf.mul(t, bins)), 0, bins - 1);
    return oneHot(tf.cast(bin, 'int32') as tf.Tensor1D, bins);
  });
}

/** Sums of `values [B]` and counts of items in equal bins of `t [B]`: [bins] each. */
export function binByTime(values: tf.Tensor1D, t: tf.Tensor1D, bins: number = TIME_BINS): Sums {
  return tf.tidy(() => {
    const member = timeBins(t, bins);
    const sum = tf.sum(tf.mul(tf.reshape(values, [-1, 1]), member), 0);
    return { sum, count: tf.sum(member, 0) };
  });
}

/** A pair of sums and counts as metrics `name.sum`, `name.count`, reported as their quotient. */
export const sumMetrics = (name: string, { sum, count }: Sums): Record<string, tf.Tensor> => ({
  [`${name}.sum`]: sum,
  [`${name}.count`]: count,
});
