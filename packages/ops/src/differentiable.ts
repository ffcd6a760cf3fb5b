/** Hand-written gradients, stopped gradients, and gradient checkpointing. */
import * as tf from '@tensorflow/tfjs-core';
import { orderAfter } from './kernels.ts';

/**
 * Returns `forward`'s value; its gradient with respect to `inputs` is what `backward` returns for the upstream
 * gradient and the tensors handed to `save`, one tensor per input. A thin form of tf.customGrad.
 */
export function differentiable<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: (tensors: tf.Tensor[]) => void) => T,
  backward: (dy: T, saved: readonly tf.Tensor[]) => tf.Tensor[],
): T {
  const operation = tf.customGrad<T>((...args) => ({
    value: forward(args.at(-1) as (tensors: tf.Tensor[]) => void),
    gradFunc: backward,
  }));
  return operation(...inputs);
}

/** `fn()` as a constant: no gradient flows into `inputs`, the tensors that it reads (tfjs has no stopGradient). */
export function stopGradient<T extends tf.Tensor>(fn: () => T, inputs: readonly tf.Tensor[]): T {
  return differentiable<T>(
    inputs,
    (save) => {
      save([...inputs]);
      return fn();
    },
    (_, saved) => saved.map((input) => tf.zerosLike(input)),
  );
}

/** Runs `fn`, which takes gradients, inside a gradient: tfjs drops the outer tape there. */
function keepTape<R>(fn: () => R): R {
  const { state } = tf.engine();
  const { activeTape } = state;
  try {
    return fn();
  } finally {
    state.activeTape = activeTape;
  }
}

/**
 * `fn(...inputs)`, keeping only `inputs` for the gradient, which runs `fn` again (gradient checkpointing). A traced graph
 * is pruned to what the gradient needs, so a wrapped final matrix product is not computed again.
 * Operations that do not depend on the first input are not computed twice.
 */
export function checkpoint<T extends tf.Tensor>(
  fn: (...inputs: tf.Tensor[]) => T,
  inputs: readonly tf.Tensor[],
): T {
  return differentiable(
    inputs,
    (save) => {
      save([...inputs]);
      return fn(...inputs);
    },
    (dy, [first, ...rest]) => keepTape(() => tf.grads(fn)([orderAfter(first as tf.Tensor, dy), ...rest], dy)),
  );
}
