/** Hand-written gradients, and work in few passes. */
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
