/** Conversions between velocity, x0, noise and score. */
import type { Path } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { type Coefficients, coefficients } from './interpolant.ts';

/** Expectations given x_t, [B, h, w, C] each; score is the gradient of log p(x_t). */
export type Predictions = {
  readonly x0: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly score: tf.Tensor4D;
};

/** Coefficients as columns [B, 1, 1, 1], and alpha sigma' - alpha' sigma. */
function columns(path: Path, t: tf.Tensor1D): Coefficients<tf.Tensor> & { readonly determinant: tf.Tensor } {
  const { alpha, sigma, dAlpha, dSigma } = coefficients(path, t);
  const [a, s, da, ds] = [alpha, sigma, dAlpha, dSigma].map((x) => tf.reshape(x, [-1, 1, 1, 1])) as Four;
  return { alpha: a, sigma: s, dAlpha: da, dSigma: ds, determinant: tf.sub(tf.mul(a, ds), tf.mul(da, s)) };
}

type Four = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

/**
 * x0 = (sigma' x - sigma v) / d, noise = (alpha v - alpha' x) / d, score = -noise / sigma with
 * d = alpha sigma' - alpha' sigma. xt, velocity [B, h, w, C], t [B]; the score is infinite at t = 0. SiT, appendix A.
 */
export function predictions(path: Path, xt: tf.Tensor4D, velocity: tf.Tensor4D, t: tf.Tensor1D): Predictions {
  return tf.tidy(() => {
    const { alpha, sigma, dAlpha, dSigma, determinant } = columns(path, t);
    const x0 = tf.div(tf.sub(tf.mul(dSigma, xt), tf.mul(sigma, velocity)), determinant);
    const noise = tf.div(tf.sub(tf.mul(alpha, velocity), tf.mul(dAlpha, xt)), determinant);
    return { x0, noise, score: tf.neg(tf.div(noise, sigma)) } as Predictions;
  });
}

/**
 * The velocity from x0, noise or score (`kind`): value, xt [B, h, w, C], t [B] -> [B, h, w, C]. Undefined from x0 at t = 0, and
 * from noise and score at t = 1.
 */
export function velocityFrom(
  path: Path,
  kind: keyof Predictions,
  value: tf.Tensor4D,
  xt: tf.Tensor4D,
  t: tf.Tensor1D,
): tf.Tensor4D {
  return tf.tidy(() => {
    const { alpha, sigma, dAlpha, dSigma } = columns(path, t);
    const mix = (x0: tf.Tensor, noise: tf.Tensor): tf.Tensor4D =>
      tf.add(tf.mul(dAlpha, x0), tf.mul(dSigma, noise));
    if (kind === 'x0') return mix(value, tf.div(tf.sub(xt, tf.mul(alpha, value)), sigma));
    const noise = kind === 'noise' ? value : tf.neg(tf.mul(sigma, value));
    return mix(tf.div(tf.sub(xt, tf.mul(sigma, noise)), alpha), noise);
  });
}
