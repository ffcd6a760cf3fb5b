/** Normalisation of targets. */
import * as tf from '@tensorflow/tfjs-core';

const EPSILON = 1e-6;

/** Share of the mean that iREPA subtracts. */
export const SPATIAL_GAMMA = 0.6;

/**
 * iREPA's spatial normalisation, per image and channel over tokens: (y - gamma mean) / (std + 1e-6) with the unbiased
 * deviation. [B, T, D] -> [B, T, D], T at least 2.
 * @throws RangeError where there are fewer than 2 tokens
 */
export function spatialZScore(target: tf.Tensor3D, gamma: number = SPATIAL_GAMMA): tf.Tensor3D {
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

/** LayerNorm of every token over its channels, without parameters: [B, T, D] -> [B, T, D]. */
export function channelNorm(target: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const centred = tf.sub(target, tf.mean(target, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), EPSILON)));
  });
}
