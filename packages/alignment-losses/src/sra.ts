/** SRA and SRA2: projected tokens follow those of the averaged network at an earlier time, or the clean latent itself. */
import * as tf from '@tensorflow/tfjs-core';
import { SMOOTH_L1_BETA, smoothL1Tokens } from './smooth-l1.ts';

/** The furthest that SRA's teacher looks ahead. */
export const SRA_INTERVAL = 0.2;

/** The teacher's times: t - interval * chance within [0, 1]; t, chance [B] -> [B]. SRA. */
export function earlierTimes(
  t: tf.Tensor1D,
  chance: tf.Tensor1D,
  interval: number = SRA_INTERVAL,
): tf.Tensor1D {
  return tf.tidy(() => tf.clipByValue(tf.sub(t, tf.mul(chance, interval)), 0, 1));
}

/** Mean of the smooth-L1 distance: projected, target [B, T, D] (of SRA2: the latent cut into tokens) -> scalar. */
export function sra2Loss(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  beta: number = SMOOTH_L1_BETA,
): tf.Scalar {
  return tf.tidy(() => tf.mean(smoothL1Tokens(projected, target, beta)));
}
