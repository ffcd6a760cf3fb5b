/** Element-wise activations with hand-written gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { fuse } from './kernels.ts';

/** An element-wise function, and its value and the gradient of its input in one go. */
export interface Activation {
  readonly value: (x: tf.Tensor) => tf.Tensor;
  readonly gradient: (x: tf.Tensor, dy: tf.Tensor) => { readonly value: tf.Tensor; readonly dx: tf.Tensor };
}

/** SiLU, x sigmoid(x). */
export const SILU: Activation = {
  value: (x) => tf.mul(x, tf.sigmoid(x)),
  gradient: (x, dy) => {
    const s = tf.sigmoid(x);
    const value = tf.mul(x, s);
    return { value, dx: tf.mul(dy, tf.add(s, tf.mul(value, tf.sub(1, s)))) };
  },
};

/** An activation of a tensor of any shape. */
export function activate<X extends tf.Tensor>({ value, gradient }: Activation, x: X): X {
  return tf.tidy(() =>
    differentiable<X>(
      [x],
      (save) => {
        save([x]);
        return fuse((input) => [value(input)], [x])[0] as X;
      },
      (dy, [saved]) => fuse((input, upstream) => [gradient(input, upstream).dx], [saved as X, dy]),
    ),
  );
}

/** SiLU, x sigmoid(x), of any shape. */
export const silu = <X extends tf.Tensor>(x: X): X => activate(SILU, x);
