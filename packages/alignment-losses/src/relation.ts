/** Token relations as targets: cosines between the tokens of one image. */
import { stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { unitTokens } from './cosine.ts';

/**
 * Mean over j of (cos(p_i, p_j) - cos(z_i, z_j))^2: projected [B, T, D], target [B, T, E] -> [B, T]; the widths may differ.
 * A Gram target as in SPARE and sREPA; the exact form is ours.
 * @throws RangeError where batch or token count differ
 */
export function relationTokens(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor2D {
  const [got, wanted] = [projected, target].map(({ shape }) => shape.slice(0, 2).join());
  if (got !== wanted) {
    throw new RangeError(
      `relationTokens: projected has shape [${projected.shape}], wanted [${target.shape.slice(0, 2)}, any] as the target has; give the model the target's token count.`,
    );
  }
  return tf.tidy(() => {
    const difference = tf.sub(
      gram(projected),
      stopGradient(() => gram(target), [target]),
    );
    return tf.mean(tf.square(difference), -1) as tf.Tensor2D;
  });
}

/** Cosines between all tokens of an image: [B, T, D] -> [B, T, T]. */
export function gram(tokens: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const unit = unitTokens(tokens);
    return tf.matMul(unit, unit, false, true);
  });
}
