/** Optional fused kernels: used where the active backend registers them, composed from tfjs ops elsewhere. */
import * as tf from '@tensorflow/tfjs-core';

/** Whether the active backend registers a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel of the active backend by name. */
export function runKernel<R extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs: tf.NamedAttrMap = {},
): R {
  return tf.engine().runKernel(name, inputs, attrs) as R;
}

/**
 * Product with a scalar that is exactly 0 wherever the scalar is 0, even for NaN and infinity.
 * `x [...], factor [] -> [...]`. One pass with the kernel `MulNoNan` ({ x, y }), a select otherwise.
 */
export function multiplyNoNan(x: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  if (hasKernel('MulNoNan')) return runKernel('MulNoNan', { x, y: factor });
  return tf.where(tf.notEqual(factor, 0), tf.mul(x, factor), tf.zerosLike(x));
}

/**
 * `x`, not computed before `after` where the backend can order a graph (kernel `Barrier`, { x, after }); eager backends compute in
 * order anyway.
 */
export function orderAfter(x: tf.Tensor, after: tf.Tensor): tf.Tensor {
  return hasKernel('Barrier') ? runKernel('Barrier', { x, after }) : x;
}

/** Sum of squares. `[...] -> []`. One pass with the kernel `L2Loss` ({ x }), which gives half of it. */
export function sumOfSquares(x: tf.Tensor): tf.Tensor {
  return hasKernel('L2Loss') ? tf.mul(runKernel<tf.Tensor>('L2Loss', { x }), 2) : tf.sum(tf.square(x));
}
