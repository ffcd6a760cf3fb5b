/**
 * The path between data (t = 0) and noise (t = 1): x_t = alpha x0 + sigma noise, velocity = alpha' x0 + sigma' noise.
 * linear: alpha = 1 - t, sigma = t. cosine (variance preserving): alpha = cos(pi t / 2), sigma = sin(pi t / 2).
 */
import type { Interpolant, Path } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** alpha, sigma and their derivatives in t, each of t's shape. */
export type Coefficients<T> = {
  readonly alpha: T;
  readonly sigma: T;
  readonly dAlpha: T;
  readonly dSigma: T;
};

// log-SNR is infinite at both ends.
const LOG_SNR_MARGIN = 1e-4;
const QUARTER_TURN = Math.PI / 2;

/** Coefficients at times t [B] -> four tensors [B]. */
export function coefficients(path: Path, t: tf.Tensor1D): Coefficients<tf.Tensor1D> {
  return tf.tidy(() => {
    if (path === 'linear') {
      return {
        alpha: tf.sub(1, t),
        sigma: tf.clone(t),
        dAlpha: tf.fill(t.shape, -1),
        dSigma: tf.onesLike(t),
      };
    }
    const angle = tf.mul(t, QUARTER_TURN);
    const [alpha, sigma] = [tf.cos(angle), tf.sin(angle)];
    return { alpha, sigma, dAlpha: tf.mul(sigma, -QUARTER_TURN), dSigma: tf.mul(alpha, QUARTER_TURN) };
  }) as Coefficients<tf.Tensor1D>;
}

/** Coefficients at one time, in double precision, for samplers. */
export function coefficientsAt(path: Path, t: number): Coefficients<number> {
  if (path === 'linear') return { alpha: 1 - t, sigma: t, dAlpha: -1, dSigma: 1 };
  const [alpha, sigma] = [Math.cos(QUARTER_TURN * t), Math.sin(QUARTER_TURN * t)];
  return { alpha, sigma, dAlpha: -QUARTER_TURN * sigma, dSigma: QUARTER_TURN * alpha };
}

/** x_t and the target velocity: x0, noise [B, h, w, C], t [B] -> xt, velocity [B, h, w, C]. */
export function interpolate(
  path: Path,
  x0: tf.Tensor4D,
  noise: tf.Tensor4D,
  t: tf.Tensor1D,
): { readonly xt: tf.Tensor4D; readonly velocity: tf.Tensor4D } {
  return tf.tidy(() => {
    const { alpha, sigma, dAlpha, dSigma } = coefficients(path, t);
    const mix = (data: tf.Tensor1D, other: tf.Tensor1D): tf.Tensor4D => {
      const [a, b] = [tf.reshape(data, [-1, 1, 1, 1]), tf.reshape(other, [-1, 1, 1, 1])];
      return tf.add(tf.mul(a, x0), tf.mul(b, noise));
    };
    return { xt: mix(alpha, sigma), velocity: mix(dAlpha, dSigma) };
  });
}

/** log-SNR 2 ln(alpha / sigma), with t kept 1e-4 away from both ends: [B] -> [B]. */
export function logSnr(path: Path, t: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => {
    const { alpha, sigma } = coefficients(path, tf.clipByValue(t, LOG_SNR_MARGIN, 1 - LOG_SNR_MARGIN));
    return tf.mul(tf.log(tf.div(alpha, sigma)), 2) as tf.Tensor1D;
  });
}

/** The time at which ln(sigma / alpha) equals `logRatio`: [B] -> [B]. */
export function timeAt(path: Path, logRatio: tf.Tensor1D): tf.Tensor1D {
  if (path === 'linear') return tf.sigmoid(logRatio);
  return tf.tidy(() => tf.mul(tf.atan(tf.exp(logRatio)), 2 / Math.PI));
}

/** A path as the interpolant of a trainer. */
export const interpolant = (path: Path): Interpolant => ({
  interpolate: (x0, noise, t) => interpolate(path, x0, noise, t),
  timeAt: (logRatio) => timeAt(path, logRatio),
});
