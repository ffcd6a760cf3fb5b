/** REPA and iREPA: projected tokens follow the tokens of a frozen teacher. */
import * as tf from '@tensorflow/tfjs-core';
import { cosineTokens } from './cosine.ts';
import { spatialZScore } from './normalize.ts';

/** Mean of the cosine distance: projected, target [B, T, D] -> scalar. REPA's projection loss plus one. */
export function repaLoss(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Scalar {
  return tf.tidy(() => tf.mean(cosineTokens(projected, target)));
}

/** REPA's loss against the target normalised over tokens by `spatialZScore`; project with a convolution. iREPA. */
export function irepaLoss(projected: tf.Tensor3D, target: tf.Tensor3D, gamma?: number): tf.Scalar {
  return tf.tidy(() => repaLoss(projected, spatialZScore(target, gamma)));
}
