/** A linear layer and SiLU with hand-written gradients that make few passes over big tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { checkpoint, differentiable } from './differentiable.ts';

/** A linear layer: weight [out, in], bias [out]. */
export type LinearParams = { readonly weight: tf.Tensor2D; readonly bias: tf.Tensor1D };

/** Linear layer: [..., in] -> [..., out], x weightᵀ + bias with weight [out, in]. */
export function linear<X extends tf.Tensor>(x: X, { weight, bias }: LinearParams): X {
  return tf.tidy(() => {
    const [outputs, inputs] = weight.shape;
    const rows = tf.reshape(x, [x.size / inputs, inputs]) as tf.Tensor2D;
    const y = differentiable(
      [rows, weight, bias],
      (save) => {
        save([rows, weight]);
        return tf.add(tf.matMul(rows, weight, false, true), bias) as tf.Tensor2D;
      },
      (dy, saved) => {
        const [savedRows, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
        const ones = tf.ones([1, dy.shape[0]]) as tf.Tensor2D; // a product with ones sums faster than a reduction
        return [
          tf.matMul(dy, savedWeight),
          tf.matMul(dy, savedRows, true, false),
          tf.reshape(tf.matMul(ones, dy), [outputs]),
        ];
      },
    );
    return tf.reshape(y, [...x.shape.slice(0, -1), outputs]) as tf.Tensor as X;
  });
}

/** linear(silu(x)) whose gradient keeps x alone and activates it again. */
export function activatedLinear<X extends tf.Tensor>(x: X, { weight, bias }: LinearParams): X {
  return checkpoint(
    (input, w, b) => linear(silu(input as X), { weight: w as tf.Tensor2D, bias: b as tf.Tensor1D }),
    [x, weight, bias],
  );
}

/** SiLU, x sigmoid(x), of any shape. */
export function silu<X extends tf.Tensor>(x: X): X {
  return tf.tidy(() =>
    differentiable<X>(
      [x],
      (save) => {
        const s = tf.sigmoid(x);
        const y = tf.mul(x, s) as X;
        save([y, s]);
        return y;
      },
      (dy, saved) => {
        const [y, s] = saved as [X, X];
        return [tf.mul(dy, tf.add(s, tf.mul(y, tf.sub(1, s))))]; // dy (s + y (1 - s))
      },
    ),
  );
}
