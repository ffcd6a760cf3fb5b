/** Diffusion times of a batch. */
import type { Interpolant, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The density of training times.
 * uniform: t in [0, 1]. lognormal: the time at which sigma / alpha = exp(N(mean, std^2)). logit-normal: t = sigmoid(N(mean, std^2)).
 */
export interface TimeOptions {
  readonly sampling: 'uniform' | 'lognormal' | 'logit-normal';
  /** Mean of the normal number; default 0. */
  readonly mean?: number;
  /** Standard deviation of the normal number; default 1. */
  readonly std?: number;
  /** Above 1 moves times towards noise: t becomes shift t / (1 + (shift - 1) t); default 1. */
  readonly shift?: number;
}

/** Times in [0, 1], stream `time` of `rng`. `step [] -> [B]`. Source: REPA's loss.py; SD3 for `logit-normal` and `shift`. */
export function sampleTimes(
  rng: Rng,
  interpolant: Pick<Interpolant, 'timeAt'>,
  size: number,
  step: tf.Tensor,
  options: TimeOptions,
): tf.Tensor1D {
  return tf.tidy(() => {
    const { shift = 1 } = options;
    const t = unshifted(rng, interpolant, size, step, options);
    if (shift === 1) return t;
    return tf.div(tf.mul(t, shift), tf.add(tf.mul(t, shift - 1), 1)) as tf.Tensor1D;
  });
}

function unshifted(
  rng: Rng,
  interpolant: Pick<Interpolant, 'timeAt'>,
  size: number,
  step: tf.Tensor,
  { sampling, mean = 0, std = 1 }: TimeOptions,
): tf.Tensor1D {
  if (sampling === 'uniform') return rng.uniform([size], 'time', step) as tf.Tensor1D;
  const normal = tf.add(tf.mul(rng.normal([size], 'time', step), std), mean) as tf.Tensor1D;
  return sampling === 'logit-normal' ? tf.sigmoid(normal) : interpolant.timeAt(normal);
}
