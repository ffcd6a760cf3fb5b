/** Times of SRA's teacher. */
import * as tf from '@tensorflow/tfjs-core';

/** Largest difference between the times of SRA's student and teacher. */
export const SRA_INTERVAL = 0.2;

/** The teacher's times: t - interval * u within [0, 1]; t, u [B] -> [B]. SRA. */
export function earlierTimes(t: tf.Tensor1D, u: tf.Tensor1D, interval: number = SRA_INTERVAL): tf.Tensor1D {
  return tf.tidy(() => tf.clipByValue(tf.sub(t, tf.mul(u, interval)), 0, 1));
}
