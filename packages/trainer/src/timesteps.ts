/** Draws the diffusion times of a batch. */
import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from './ports.ts';

/** The density times are drawn from. */
export type TimestepConfig =
  | { readonly kind: 'uniform' }
  /** Noise-to-signal ratio exp(N(0, 1)), mapped to the time at which the path has it. */
  | { readonly kind: 'lognormal'; readonly path: 'linear' | 'cosine' }
  /** t = sigmoid(N(mean, std^2)). */
  | { readonly kind: 'logit-normal'; readonly mean: number; readonly std: number };

/** Times in [0, 1], stream `time` of `rng`. `step [] -> [B]`. Source: REPA's loss.py; SD3 for `logit-normal`. */
export function sampleTimesteps(
  rng: Rng,
  size: number,
  step: tf.Tensor,
  config: TimestepConfig,
): tf.Tensor1D {
  return tf.tidy(() => {
    if (config.kind === 'uniform') return rng.uniform([size], 'time', step) as tf.Tensor1D;
    const normal = rng.normal([size], 'time', step) as tf.Tensor1D;
    if (config.kind === 'logit-normal') return tf.sigmoid(tf.add(tf.mul(normal, config.std), config.mean));
    if (config.path === 'linear') return tf.sigmoid(normal); // s / (1 + s) of s = exp(normal)
    return tf.mul(tf.atan(tf.exp(normal)), 2 / Math.PI);
  });
}
