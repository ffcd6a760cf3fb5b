/** NT-Xent, the contrastive alternative that REPA's paper names. */
import { stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';
import { unitTokens } from './cosine.ts';

/** Temperature of SimCLR; REPA's is not published. */
export const NT_XENT_TEMPERATURE = 0.1;

/**
 * Cross-entropy of picking the matching target among those of the image: -log softmax_j(cos(p_i, z_j) / temperature) at j = i.
 * projected, target [B, T, D] -> [B, T]. REPA's negatives are not published; these are the other tokens of the image.
 * @throws RangeError where the shapes differ
 */
export function ntXentTokens(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  temperature: number = NT_XENT_TEMPERATURE,
): tf.Tensor2D {
  assertTokens('ntXentTokens', projected, target);
  return tf.tidy(() => {
    const [p, z] = [unitTokens(projected), stopGradient(() => unitTokens(target), [target])];
    // Cosines are at most 1, so nothing here overflows.
    const shifted = tf.div(tf.sub(tf.matMul(p, z, false, true), 1), temperature); // [B, T, T]
    const own = tf.div(tf.sub(tf.sum(tf.mul(p, z), -1), 1), temperature);
    return tf.sub(tf.log(tf.sum(tf.exp(shifted), -1)), own) as tf.Tensor2D;
  });
}
