/** Draws the diffusion times of a batch. */
import type { Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** The density times are drawn from. */
export type TimestepConfig = {
  /** Moves times towards noise above 1: t becomes shift t / (1 + (shift - 1) t), 1 unless given. */
  readonly shift?: number;
} & (
  | { readonly kind: 'uniform' }
  /** Noise-to-signal ratio exp(N(mean, std^2)), N(0, 1) unless given, mapped to the time at which the path has it. */
  | {
      readonly kind: 'lognormal';
      readonly path: 'linear' | 'cosine';
      readonly mean?: number;
      readonly std?: number;
    }
  /** t = sigmoid(N(mean, std^2)). */
  | { readonly kind: 'logit-normal'; readonly mean: number; readonly std: number }
);

/** Times in [0, 1], stream `time` of `rng`. `step [] -> [B]`. Source: REPA's loss.py; SD3 for `logit-normal` and `shift`. */
export function sampleTimesteps(
  rng: Rng,
  size: number,
  step: tf.Tensor,
  config: TimestepConfig,
): tf.Tensor1D {
  return tf.tidy(() => {
    const { shift = 1 } = config;
    const t = drawTimes(rng, size, step, config);
    if (shift === 1) return t;
    return tf.div(tf.mul(t, shift), tf.add(tf.mul(t, shift - 1), 1)) as tf.Tensor1D;
  });
}

function drawTimes(rng: Rng, size: number, step: tf.Tensor, config: TimestepConfig): tf.Tensor1D {
  if (config.kind === 'uniform') return rng.uniform([size], 'time', step) as tf.Tensor1D;
  const { mean = 0, std = 1 } = config;
  const normal = tf.add(tf.mul(rng.normal([size], 'time', step), std), mean) as tf.Tensor1D;
  if (config.kind === 'logit-normal' || config.path === 'linear') return tf.sigmoid(normal); // s / (1 + s) of s = exp(normal)
  return tf.mul(tf.atan(tf.exp(normal)), 2 / Math.PI);
}
