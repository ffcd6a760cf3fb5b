/** Remapped times for control experiments: the same weights at other times. */
import { timeBins } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { MEMORY_BINS } from './bins.ts';

/** Unchanged; reversed (1 - t); or in shuffled bins of t, which keeps the mean weights. */
export type RouteTime = 'as-is' | 'reversed' | 'shuffled';

/** The time at which the weights of t are looked up: t [B] -> [B]. The order of 'shuffled' depends on `seed` alone. */
export function routeTime(kind: RouteTime, t: tf.Tensor1D, seed = 0): tf.Tensor1D {
  return tf.tidy(() => {
    if (kind === 'as-is') return tf.clone(t);
    if (kind === 'reversed') return tf.sub(1, t) as tf.Tensor1D;
    const order = tf.tensor2d(shuffledBins(MEMORY_BINS, seed), [MEMORY_BINS, 1]);
    const bin = tf.clipByValue(tf.floor(tf.mul(t, MEMORY_BINS)), 0, MEMORY_BINS - 1);
    const within = tf.minimum(tf.sub(tf.mul(t, MEMORY_BINS), bin), 0.999); // t = 1 stays in its bin
    const elsewhere = tf.reshape(tf.matMul(timeBins(t, MEMORY_BINS), order), [t.size]);
    return tf.div(tf.add(elsewhere, within), MEMORY_BINS) as tf.Tensor1D;
  });
}

/** A permutation of 0..n-1 (Fisher-Yates on a 32-bit congruential generator). */
function shuffledBins(n: number, seed: number): number[] {
  let state = (seed * 2654435761 + 1) >>> 0;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
