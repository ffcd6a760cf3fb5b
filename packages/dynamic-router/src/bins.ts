/** Running means of the groups in equal bins of t, for measured routers. */
import { timeBins } from '@ahpa/ops';
import type { Sums } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Number of bins of t for running means. */
export const MEMORY_BINS = 32;

/** Running means [bins, G], and the number of updates of each bin, `seen` [bins, 1]. */
export type BinMeans = { readonly mean: tf.Tensor2D; readonly seen: tf.Tensor2D };

/** Running means before the first update. */
export function initBinMeans(groups: number, bins: number = MEMORY_BINS): BinMeans {
  return { mean: tf.zeros([bins, groups]), seen: tf.zeros([bins, 1]) };
}

/** Sums of values [B, G] and counts of items in bins of t [B]: [bins, G] each, ready to be added up over parts of a batch. */
export function binSums(values: tf.Tensor2D, t: tf.Tensor1D, bins: number = MEMORY_BINS): Sums {
  return tf.tidy(() => {
    const member = timeBins(t, bins);
    const sum = tf.matMul(member, values, true, false) as tf.Tensor2D;
    return { sum, count: tf.matMul(member, tf.onesLike(values), true, false) as tf.Tensor2D };
  });
}

/** Moves the mean of every non-empty bin towards the batch's mean there; a bin starts at its first value. */
export function updateBinMeans({ mean, seen }: BinMeans, { sum, count }: Sums, decay: number): BinMeans {
  return tf.tidy(() => {
    const hit = tf.cast(tf.greater(tf.slice(count as tf.Tensor2D, [0, 0], [-1, 1]), 0), 'float32');
    const rate = tf.mul(tf.maximum(1 - decay, tf.reciprocal(tf.add(seen, 1))), hit);
    const batch = tf.divNoNan(sum, count);
    return {
      mean: tf.add(mean, tf.mul(rate, tf.sub(batch, mean))) as tf.Tensor2D,
      seen: tf.add(seen, hit) as tf.Tensor2D,
    };
  });
}

/** The row of each time's bin: table [bins, G], t [B] -> [B, G]. */
export function lookUp(table: tf.Tensor2D, t: tf.Tensor1D): tf.Tensor2D {
  return tf.tidy(() => tf.matMul(timeBins(t, table.shape[0]), table));
}
