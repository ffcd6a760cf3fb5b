/** Smooth-L1 distance between tokens, the loss of SRA and SRA2. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';
import { differentiable } from './differentiable.ts';

/** Where SRA turns from square to absolute. */
export const SMOOTH_L1_BETA = 0.05;

/**
 * Mean over tokens and channels of d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere (PyTorch's form):
 * projected, target [B, T, D] -> [B]. The target is a constant; no gradient flows into it.
 */
export function smoothL1(
  projected: tf.Tensor3D,
  target: tf.Tensor3D,
  beta: number = SMOOTH_L1_BETA,
): tf.Tensor1D {
  assertTokens('smoothL1', projected, target);
  const [batch, tokens, width] = projected.shape;
  const count = tokens * width;
  return tf.tidy(() =>
    differentiable<tf.Tensor1D>(
      [projected],
      (save) => {
        // With c = clip(d, -beta, beta) both branches are (c d - c^2 / 2) / beta, and c / beta is the gradient.
        const difference = tf.sub(projected, target);
        const clipped = tf.clipByValue(difference, -beta, beta);
        save([clipped]);
        const crossed = tf.sum(tf.mul(difference, clipped), [1, 2]);
        const squared = tf.sum(tf.square(clipped), [1, 2]);
        return tf.div(tf.sub(crossed, tf.div(squared, 2)), beta * count) as tf.Tensor1D;
      },
      (dy, saved) => {
        const [clipped] = saved as [tf.Tensor3D];
        const each = tf.reshape(tf.div(dy, beta * count), [batch, 1, 1]);
        return [tf.mul(clipped, each)];
      },
    ),
  );
}
