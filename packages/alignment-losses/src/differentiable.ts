/** Hand-written gradients, work in few passes, and gradients that compute again what they would have had to keep. */
import * as tf from '@tensorflow/tfjs-core';

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

/**
 * `fn(...inputs)`, compiled into few passes over the tensors where the backend can (kernel `Fuse`), operation by operation
 * elsewhere. `fn` may use nothing but its inputs and numbers; element-wise work and reductions gain, matrix products do not.
 */
export function fuse<I extends tf.Tensor[], R extends tf.Tensor[]>(
  fn: (...inputs: I) => readonly [...R],
  inputs: readonly tf.Tensor[],
): R {
  if (tf.getKernel('Fuse', tf.getBackend()) === undefined)
    return fn(...(inputs as unknown as I)) as unknown as R;
  return tf.engine().runKernel('Fuse', { ...inputs } as never, { fn } as never) as tf.Tensor[] as R;
}

/** `x`, in a traced graph computed no earlier than `after` and never merged with an equal computation. */
function orderAfter(x: tf.Tensor, after: tf.Tensor): tf.Tensor {
  if (tf.getKernel('Barrier', tf.getBackend()) === undefined) return x;
  return tf.engine().runKernel('Barrier', { x, after }) as tf.Tensor;
}

/** Runs `fn`, which takes gradients, inside a gradient: tfjs forgets the outer tape there. */
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
 * leaves out what the second run does not need, so wrapping a matrix product costs nothing but what leads up to it.
 * What does not depend on the first input is not computed twice.
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

/** `fn()` as a constant: no gradient flows into `inputs`, the tensors that it reads (tfjs has no stopGradient). */
export function constant<T extends tf.Tensor>(fn: () => T, inputs: readonly tf.Tensor[]): T {
  return differentiable<T>(
    inputs,
    (save) => {
      save([...inputs]);
      return fn();
    },
    (_, saved) => saved.map((input) => tf.zerosLike(input)),
  );
}
