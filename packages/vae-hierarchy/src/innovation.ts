/** Innovation of whitened tokens over their linear prediction from the clean latent (after RARE's increments). */
import * as tf from '@tensorflow/tfjs-core';

/** Linear prediction of r dimensions from the d of a latent's tokens, and the scale of its residual. */
export interface Prediction {
  /** `[d, r]`. */
  readonly slopes: tf.Tensor;
  /** `[r]`. */
  readonly offset: tf.Tensor;
  /** `[r]`. */
  readonly scale: tf.Tensor;
}

/** `scale (white - (latent slopes + offset))`: white `[B, T, r]`, latent `[B, T, d]` -> `[B, T, r]`. */
export function innovation(
  white: tf.Tensor3D,
  latent: tf.Tensor3D,
  { slopes, offset, scale }: Prediction,
): tf.Tensor3D {
  const [batch, count, width] = latent.shape;
  return tf.tidy(() => {
    const rows = tf.matMul(tf.reshape(latent, [batch * count, width]), slopes as tf.Tensor2D);
    const predicted = tf.reshape(tf.add(rows, offset), white.shape);
    return tf.mul(tf.sub(white, predicted), scale);
  });
}
