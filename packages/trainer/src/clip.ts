/** Clipping by the global gradient norm, and dropping a gradient that is not finite, in one pass. */
import { flatten, mapTree, multiplyNoNan, sumOfSquares, tidyTree } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Euclidean norm of all leaves together. `tree -> []`. */
export function globalNorm(grads: Tree): tf.Scalar {
  return tf.tidy(() => {
    const squares = flatten(grads).map(sumOfSquares);
    return tf.sqrt(squares.length === 0 ? tf.scalar(0) : tf.addN(squares)) as tf.Scalar;
  });
}

/** The factor that brings `norm` to at most `max`: min(1, max / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. `[] -> []`. */
export function clipScale(norm: tf.Tensor, max: number): tf.Scalar {
  return tf.tidy(() => tf.minimum(tf.div(max, tf.add(norm, 1e-6)), 1) as tf.Scalar);
}

/** Multiplies every leaf by `scale []`; a scale of 0 gives exact zeros, also for NaN and infinity. */
export function scaleGradients<T extends Tree>(grads: T, scale: tf.Tensor): T {
  return tidyTree(() => mapTree((grad) => multiplyNoNan(grad, scale), grads));
}
