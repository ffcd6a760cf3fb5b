/** Cosine distance between tokens, REPA's similarity as a distance. */
import { differentiable, fuse } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';

// Inside the root: a row of zeros has cosine 0 and a gradient of at most 1e4 per unit.
const EPSILON = 1e-8;

/**
 * One minus the cosine of every token: projected, target [B, T, D] -> [B, T], within [0, 2].
 * The target is a constant; no gradient flows into it. REPA's projection loss plus one, before its mean.
 * @throws RangeError where the shapes differ
 */
export function cosineTokens(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor2D {
  assertTokens('cosineTokens', projected, target);
  const [batch, tokens] = projected.shape;
  return tf.tidy(() =>
    differentiable<tf.Tensor2D>(
      [projected],
      (save) => {
        const [cosine, toTarget, toSelf] = fuse(similarity, [projected, target]);
        save([projected, target, toTarget, toSelf]);
        return tf.sub(1, tf.reshape(cosine, [batch, tokens]));
      },
      (dy, saved) => fuse(similarityGradient, [...saved, tf.reshape(dy, [batch, tokens, 1])]),
    ),
  );
}

/** Mean over tokens of `cosineTokens`: projected, target [B, T, D] -> [B]. */
export function cosineDistance(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor1D {
  return tf.tidy(() => tf.mean(cosineTokens(projected, target), 1) as tf.Tensor1D);
}

/** Tokens of length 1, zero ones left zero: [B, T, D] -> [B, T, D]. */
export function unitTokens(tokens: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => tf.mul(tokens, inverseNorm(tokens)) as tf.Tensor3D);
}

const inverseNorm = (tokens: tf.Tensor): tf.Tensor =>
  tf.rsqrt(tf.add(tf.sum(tf.square(tokens), -1, true), EPSILON));

/** cos(p, z) along D with the factors of its gradient z / (|p| |z|) - p cos / |p|^2: p, z [B, T, D] -> three of [B, T, 1]. */
function similarity(...inputs: tf.Tensor[]): [cosine: tf.Tensor, toTarget: tf.Tensor, toSelf: tf.Tensor] {
  const [p, z] = inputs as [tf.Tensor, tf.Tensor];
  const along = tf.sum(tf.mul(p, z), -1, true);
  const inverse = inverseNorm(p);
  const toTarget = tf.mul(inverse, inverseNorm(z));
  const cosine = tf.mul(along, toTarget);
  return [cosine, toTarget, tf.mul(cosine, tf.square(inverse))];
}

/** The gradient of a weighted sum of 1 - cos with respect to p; `each` holds the weights, [B, T, 1]. */
function similarityGradient(...inputs: tf.Tensor[]): [tf.Tensor] {
  const [p, z, toTarget, toSelf, each] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  return [tf.sub(tf.mul(p, tf.mul(toSelf, each)), tf.mul(z, tf.mul(toTarget, each)))];
}
