/** A thin form of tf.customGrad for operations whose gradient is written by hand. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Returns `forward`'s value; its gradient with respect to `inputs` is what `backward` returns for the upstream
 * gradient and the tensors handed to `save`, one tensor per input.
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
