/** Token weights by remaining distance (RARE's residual weights). */
import { stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';

/** Weights within 1/4 and 4 before they are brought to mean 1. */
const LIMIT = 4;
const TINY = 1e-12;

/**
 * Weights of mean 1, constants of the gradient: clip(d / mean d, 1/4, 4) over the tokens of an image ('token'), or over the
 * images of the batch by their mean distance ('sample'). distances [B, T] -> [B, T] or [B, 1]. RARE, with d twice its eta.
 */
export function residualWeights(distances: tf.Tensor2D, per: 'token' | 'sample'): tf.Tensor2D {
  return tf.tidy(() =>
    stopGradient(() => {
      const values = per === 'token' ? distances : (tf.mean(distances, 1, true) as tf.Tensor2D);
      const axis = per === 'token' ? 1 : 0;
      const ratio = tf.div(values, tf.add(tf.mean(values, axis, true), TINY));
      const clipped = tf.clipByValue(ratio, 1 / LIMIT, LIMIT);
      return tf.div(clipped, tf.mean(clipped, axis, true)) as tf.Tensor2D;
    }, [distances]),
  );
}
