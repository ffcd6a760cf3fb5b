/** Normalisation of targets. */
import * as tf from '@tensorflow/tfjs-core';

const EPSILON = 1e-6;

/**
 * iREPA's spatial normalisation, per image and channel over tokens: (y - gamma mean) / (std + 1e-6) with the unbiased
 * deviation. [B, T, D] -> [B, T, D], T at least 2.
 */
export function spatialZScore(target: tf.Tensor3D, gamma = 0.6): tf.Tensor3D {
  const tokens = target.shape[1];
  if (tokens < 2) {
    throw new RangeError(
      `spatialZScore: target has shape [${target.shape}], wanted at least 2 tokens; use a finer grid.`,
    );
  }
  return tf.tidy(() => {
    const mean = tf.mean(target, 1, true);
    const variance = tf.div(tf.sum(tf.squaredDifference(target, mean), 1, true), tokens - 1);
    return tf.div(tf.sub(target, tf.mul(mean, gamma)), tf.add(tf.sqrt(variance), EPSILON));
  });
}
