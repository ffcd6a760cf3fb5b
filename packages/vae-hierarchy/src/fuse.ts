/** Work in few passes over big maps. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * `fn(...inputs)`, compiled into few passes over the tensors where the backend can (kernel `Fuse`), operation by operation
 * elsewhere. `fn` may use nothing but its inputs and numbers; element-wise work and reductions gain, convolutions do not.
 */
export function fuse<I extends tf.Tensor[], R extends tf.Tensor[]>(
  fn: (...inputs: I) => readonly [...R],
  inputs: readonly tf.Tensor[],
): R {
  if (tf.getKernel('Fuse', tf.getBackend()) === undefined)
    return fn(...(inputs as unknown as I)) as unknown as R;
  return tf.engine().runKernel('Fuse', { ...inputs } as never, { fn } as never) as tf.Tensor[] as R;
}
