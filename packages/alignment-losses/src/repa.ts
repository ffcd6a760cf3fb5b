/** REPA: projected tokens follow the tokens of a frozen teacher. */
import * as tf from '@tensorflow/tfjs-core';
import { cosineDistance } from './cosine.ts';

/** Batch mean of the cosine distance: projected, target [B, T, D] -> scalar. REPA's projection loss plus one. */
export function repaLoss(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Scalar {
  return tf.tidy(() => tf.mean(cosineDistance(projected, target)));
}
