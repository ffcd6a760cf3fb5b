/** What a level adds beyond the clean latent: whitened, minus its linear prediction from the latent (after RARE's increments). */
import * as tf from '@tensorflow/tfjs-core';

/** Fitted on calibration images; C channels of the level, r whitened dimensions, d channels of the latent's tokens. */
export type InnovationFit = {
  /** Level to whitened: (F - mean) whiten; mean [C], whiten [C, r]. */
  readonly mean: tf.Tensor1D;
  readonly whiten: tf.Tensor2D;
  /** Ridge prediction of the whitened level from the latent: z predict + offset; predict [d, r], offset [r]. */
  readonly predict: tf.Tensor2D;
  readonly offset: tf.Tensor1D;
  /** Variance of every residual dimension, [r]. */
  readonly variance: tf.Tensor1D;
};

const VARIANCE_FLOOR = 0.1;

/**
 * The innovation of a level: e = (F - mean) W - (z P + b), every dimension divided by its deviation (variance at least 0.1) and
 * all of them scaled so that their total energy is that of e. level [B, T, C], latent [B, T, d] -> [B, T, r].
 */
export function innovation(level: tf.Tensor3D, latent: tf.Tensor3D, fit: InnovationFit): tf.Tensor3D {
  return tf.tidy(() => {
    const { mean, whiten, predict, offset, variance } = fit;
    const white = product(tf.sub(level, mean), whiten);
    const residual = tf.sub(white, tf.add(product(latent, predict), offset));
    const floored = tf.maximum(variance, VARIANCE_FLOOR);
    const energy = tf.div(tf.sum(variance), tf.sum(tf.div(variance, floored)));
    return tf.mul(residual, tf.mul(tf.rsqrt(floored), tf.sqrt(energy)));
  });
}

/** [B, T, in] times [in, out]. */
function product(x: tf.Tensor3D, matrix: tf.Tensor2D): tf.Tensor3D {
  const [batch, tokens, width] = x.shape;
  const rows = tf.matMul(tf.reshape(x, [batch * tokens, width]), matrix);
  return tf.reshape(rows, [batch, tokens, matrix.shape[1]]);
}
