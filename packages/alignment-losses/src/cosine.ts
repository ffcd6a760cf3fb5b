/** Cosine distance between tokens, REPA's similarity as a distance. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';
import { differentiable } from './differentiable.ts';

// Inside the root: a row of zeros has cosine 0 and a gradient of at most 1e4 per unit.
const EPSILON = 1e-8;

/**
 * One minus the mean over tokens of the cosine: projected, target [B, T, D] -> [B], within [0, 2].
 * The target is a constant; no gradient flows into it. REPA's projection loss plus one.
 */
export function cosineDistance(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor1D {
  assertTokens('cosineDistance', projected, target);
  const [batch, tokens] = projected.shape;
  return tf.tidy(() =>
    differentiable<tf.Tensor1D>(
      [projected],
      (save) => {
        const along = tf.sum(tf.mul(projected, target), -1, true); // [B, T, 1]
        const inverse = tf.rsqrt(tf.add(tf.sum(tf.square(projected), -1, true), EPSILON));
        const inverseTarget = tf.rsqrt(tf.add(tf.sum(tf.square(target), -1, true), EPSILON));
        const toTarget = tf.mul(inverse, inverseTarget);
        const cosine = tf.mul(along, toTarget);
        save([projected, target, toTarget, tf.mul(cosine, tf.square(inverse))]);
        return tf.sub(1, tf.reshape(tf.mean(cosine, 1), [batch]));
      },
      (dy, saved) => {
        // d cos / d p = z / (|p| |z|) - p cos / |p|^2
        const [p, z, toTarget, toSelf] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const each = tf.reshape(tf.div(dy, tokens), [batch, 1, 1]);
        return [tf.sub(tf.mul(p, tf.mul(toSelf, each)), tf.mul(z, tf.mul(toTarget, each)))];
      },
    ),
  );
}
