/**
 * Optional kernels of a backend: used where the active backend registers them, composed from tfjs operations elsewhere. Their names
 * and inputs are typed here alone; a backend that has them implements `Kernels`.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Inputs and result of every optional kernel. */
export interface Kernels {
  /** `x`, computed after `after` and never merged with an equal computation. */
  readonly Barrier: { readonly inputs: { x: tf.Tensor; after: tf.Tensor }; readonly result: tf.Tensor };
  /** `m += (g - m)(1 - beta1), v += (g^2 - v)(1 - beta2), param -= alpha m / (sqrt(v) + epsilon)`; may update in place. */
  readonly AdamW: {
    readonly inputs: {
      param: tf.Tensor;
      m: tf.Tensor;
      v: tf.Tensor;
      grad: tf.Tensor;
      beta1: tf.Tensor;
      beta2: tf.Tensor;
      alpha: tf.Tensor;
      epsilon: tf.Tensor;
    };
    readonly result: [tf.Tensor, tf.Tensor, tf.Tensor];
  };
  /** `average += rate (value - average)`; may update in place. */
  readonly Ema: {
    readonly inputs: { average: tf.Tensor; value: tf.Tensor; rate: tf.Tensor };
    readonly result: tf.Tensor;
  };
  /** `x y`, exactly 0 where `y` [] is 0 even if `x` is not finite. */
  readonly MulNoNan: { readonly inputs: { x: tf.Tensor; y: tf.Tensor }; readonly result: tf.Tensor };
  /** Half the sum of squares, []. */
  readonly L2Loss: { readonly inputs: { x: tf.Tensor }; readonly result: tf.Tensor };
  /** Philox normal or uniform numbers of `shape` under a key, with `step` int32 [] as counter. */
  readonly PhiloxNormal: { readonly inputs: { step: tf.Tensor }; readonly result: tf.Tensor };
  readonly PhiloxUniform: { readonly inputs: { step: tf.Tensor }; readonly result: tf.Tensor };
  /** `attrs.fn(0, 1, ...)` in few passes over its inputs. */
  readonly Fuse: { readonly inputs: Record<number, tf.Tensor>; readonly result: tf.Tensor[] };
}

/** Whether the active backend registers an optional kernel. */
export function hasKernel(name: keyof Kernels): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs an optional kernel of the active backend. */
export function runKernel<K extends keyof Kernels>(
  name: K,
  inputs: Kernels[K]['inputs'],
  attrs: Readonly<Record<string, unknown>> = {},
): Kernels[K]['result'] {
  return tf
    .engine()
    .runKernel(name, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as Kernels[K]['result'];
}

/**
 * `fn(...inputs)`, compiled into few passes over the tensors where the backend can (kernel `Fuse`), operation by operation
 * elsewhere. `fn` may use nothing but its inputs and numbers; element-wise work and reductions gain, matrix products do not.
 */
export function fuse<I extends tf.Tensor[], R extends tf.Tensor[]>(
  fn: (...inputs: I) => readonly [...R],
  inputs: readonly tf.Tensor[],
): R {
  if (!hasKernel('Fuse')) return fn(...(inputs as unknown as I)) as unknown as R;
  return runKernel('Fuse', { ...inputs }, { fn }) as R;
}

/**
 * Product with a scalar that is exactly 0 wherever the scalar is 0, even for NaN and infinity.
 * `x [...], factor [] -> [...]`.
 */
export function multiplyNoNan(x: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  if (hasKernel('MulNoNan')) return runKernel('MulNoNan', { x, y: factor });
  return tf.where(tf.notEqual(factor, 0), tf.mul(x, factor), tf.zerosLike(x));
}

/** `x`, not computed before `after` where the backend can order a graph; eager backends compute in order anyway. */
export function orderAfter(x: tf.Tensor, after: tf.Tensor): tf.Tensor {
  return hasKernel('Barrier') ? runKernel('Barrier', { x, after }) : x;
}

/** Sum of squares. `[...] -> []`. */
export function sumOfSquares(x: tf.Tensor): tf.Tensor {
  return hasKernel('L2Loss') ? tf.mul(runKernel('L2Loss', { x }), 2) : tf.sum(tf.square(x));
}
