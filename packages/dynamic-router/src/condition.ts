/** Time features for a router. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Sinusoids of t in [0, 1] as in SiT's time embedding; of the log-SNR 2 ln(alpha / sigma) of a path, within [-8, 8]; or of 1000 t,
 * which resolves small differences of t.
 */
export type Condition =
  | { readonly kind: 'time' }
  | { readonly kind: 'log-snr'; readonly path: 'linear' | 'cosine' }
  | { readonly kind: 'fourier' };

const MAX_LOG_SNR = 8;
const FOURIER_SCALE = 1000;

/** Features of the time: t [B] -> [B, width], width even. */
export function timeFeatures(
  t: tf.Tensor1D,
  width: number,
  condition: Condition = { kind: 'time' },
): tf.Tensor2D {
  return tf.tidy(() => {
    switch (condition.kind) {
      case 'time':
        return sinusoid(t, width);
      case 'log-snr':
        return sinusoid(clippedLogSnr(t, condition.path), width);
      case 'fourier':
        return sinusoid(tf.mul(t, FOURIER_SCALE), width);
    }
  });
}

/** Sinusoids, cosines first as in SiT's time embedding: [B] -> [B, width]. */
function sinusoid(x: tf.Tensor1D, width: number): tf.Tensor2D {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, k) => Math.exp((-Math.log(10000) * k) / half));
  const angles = tf.mul(tf.reshape(x, [x.size, 1]), tf.tensor2d(frequencies, [1, half]));
  return tf.concat([tf.cos(angles), tf.sin(angles)], 1) as tf.Tensor2D;
}

/** Both ends of t are infinite: the nearest float32 neighbours lie beyond the clip. */
function clippedLogSnr(t: tf.Tensor1D, path: 'linear' | 'cosine'): tf.Tensor1D {
  const inner = tf.clipByValue(t, 1e-4, 1 - 1e-4);
  const ratio =
    path === 'linear' ? tf.div(tf.sub(1, inner), inner) : tf.reciprocal(tf.tan(tf.mul(inner, Math.PI / 2)));
  return tf.clipByValue(tf.mul(tf.log(ratio), 2), -MAX_LOG_SNR, MAX_LOG_SNR) as tf.Tensor1D;
}
