/** Stopping gradients, which tfjs has no operation for. */
import * as tf from '@tensorflow/tfjs-core';

/** `fn()` as a constant: no gradient flows into `inputs`, the tensors that it reads. */
export function constant<T extends tf.Tensor>(fn: () => T, inputs: readonly tf.Tensor[]): T {
  const operation = tf.customGrad<T>((...args) => {
    const save = args.at(-1) as unknown as (tensors: tf.Tensor[]) => void;
    save([...inputs]);
    return {
      value: fn(),
      gradFunc: (_: T, saved: tf.Tensor[]) => saved.map((input) => tf.zerosLike(input)),
    };
  });
  return operation(...inputs);
}
