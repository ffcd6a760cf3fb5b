/** SRA2: projected tokens follow the clean VAE latent itself. */
import * as tf from '@tensorflow/tfjs-core';
import { SMOOTH_L1_BETA, smoothL1 } from './smooth-l1.ts';

/** Batch mean of the smooth-L1 distance: projected, target [B, T, p*p*C] (the latent cut into tokens) -> scalar. */
export function sra2Loss(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  beta: number = SMOOTH_L1_BETA,
): tf.Scalar {
  return tf.tidy(() => tf.mean(smoothL1(projected, target, beta)));
}
