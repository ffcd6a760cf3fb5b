/** Smooth-L1 distance between tokens, the loss of SRA and SRA2. */
import { differentiable } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';

/** SRA's beta: the |d| at which the loss turns from squared to absolute. */
export const SMOOTH_L1_BETA = 0.05;

/**
 * Mean over channels of d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere (PyTorch's form):
 * projected, target [B, T, D] -> [B, T]. The target is a constant; no gradient flows into it.
 * @throws RangeError where the shapes differ
 */
export function smoothL1Tokens(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  beta: number = SMOOTH_L1_BETA,
): tf.Tensor2D {
  assertTokens('smoothL1Tokens', projected, target);
  const [batch, tokens, width] = projected.shape;
  return tf.tidy(() =>
    differentiable<tf.Tensor2D>(
      [projected],
      (save) => {
        // With c = clip(d, -beta, beta) both branches are (c d - c^2 / 2) / beta, and c / beta is the gradient.
        const difference = tf.sub(projected, target);
        const clipped = tf.clipByValue(difference, -beta, beta);
        save([clipped]);
        const crossed = tf.sum(tf.mul(difference, clipped), 2);
        const squared = tf.sum(tf.square(clipped), 2);
        return tf.div(tf.sub(crossed, tf.div(squared, 2)), beta * width) as tf.Tensor2D;
      },
      (dy, saved) => {
        const [clipped] = saved as [tf.Tensor3D];
        return [tf.mul(clipped, tf.reshape(tf.div(dy, beta * width), [batch, tokens, 1]))];
      },
    ),
  );
}

/** Mean over tokens of `smoothL1Tokens`: projected, target [B, T, D] -> [B]. */
export function smoothL1(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  beta: number = SMOOTH_L1_BETA,
): tf.Tensor1D {
  return tf.tidy(() => tf.mean(smoothL1Tokens(projected, target, beta), 1) as tf.Tensor1D);
}
