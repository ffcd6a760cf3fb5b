/** Normalization of target tokens: without it, their common direction dominates every cosine. */
import * as tf from '@tensorflow/tfjs-core';
import { type Pca, type PcaTensors, projectTokens } from './pca.ts';
import { type ChannelStatistics, standardize } from './statistics.ts';

/**
 * `dataset` standardizes channels by statistics of the data set, `spatial` each image's channels by its own tokens,
 * `project` applies a PCA and `whiten` one that leaves components of unit variance.
 */
export type TargetNorm =
  | { readonly kind: 'none' }
  | { readonly kind: 'dataset'; readonly statistics: ChannelStatistics }
  | { readonly kind: 'spatial'; readonly gamma: number }
  | { readonly kind: 'project' | 'whiten'; readonly pca: Pca | PcaTensors };

const EPSILON = 1e-6;

/** `(y - gamma mean) / (std + 1e-6)` over the tokens of each image and channel, with the unbiased deviation (iREPA). */
function spatialNorm(tokens: tf.Tensor3D, gamma: number): tf.Tensor3D {
  const count = tokens.shape[1];
  if (count < 2) {
    throw new RangeError(
      `normalizeTokens: tokens have shape [${tokens.shape}], wanted at least 2 of them; use a finer grid.`,
    );
  }
  const mean = tf.mean(tokens, 1, true);
  const variance = tf.div(tf.sum(tf.squaredDifference(tokens, mean), 1, true), count - 1);
  return tf.div(tf.sub(tokens, tf.mul(mean, gamma)), tf.add(tf.sqrt(variance), EPSILON));
}

/** `[B, T, D]` -> `[B, T, d]`, where `d` is D but for a PCA. */
export function normalizeTokens(tokens: tf.Tensor3D, norm: TargetNorm): tf.Tensor3D {
  return tf.tidy(() => {
    switch (norm.kind) {
      case 'none':
        return tf.clone(tokens);
      case 'dataset':
        return standardize(tokens, norm.statistics);
      case 'spatial':
        return spatialNorm(tokens, norm.gamma);
      case 'project':
      case 'whiten':
        return projectTokens(tokens, norm.pca, norm.kind === 'whiten');
    }
  });
}
