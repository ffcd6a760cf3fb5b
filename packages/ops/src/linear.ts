/** Linear layers with hand-written gradients that make few passes over big tensors. */
import type { LinearParams } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { Activation } from './activation.ts';
import { differentiable } from './differentiable.ts';
import { fuse } from './kernels.ts';

/** [N, D] -> [D]; a product with ones sums faster than a reduction. */
function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  const ones = tf.ones([1, x.shape[0]]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(ones, x), [x.shape[1]]);
}

/** x weightᵀ: [..., in] -> [..., out] with weight [out, in]. */
export function product<X extends tf.Tensor>(x: X, weight: tf.Tensor2D): X {
  return tf.tidy(() => {
    const [outputs, inputs] = weight.shape;
    const rows = tf.reshape(x, [x.size / inputs, inputs]) as tf.Tensor2D;
    const y = differentiable(
      [rows, weight],
      (save) => {
        save([rows, weight]);
        return tf.matMul(rows, weight, false, true);
      },
      (dy, saved) => {
        const [savedRows, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
        return [tf.matMul(dy, savedWeight), tf.matMul(dy, savedRows, true, false)];
      },
    );
    return tf.reshape(y, [...x.shape.slice(0, -1), outputs]) as tf.Tensor as X;
  });
}

/** Linear layer: [..., in] -> [..., out], x weightᵀ + bias with weight [out, in]. */
export function linear<X extends tf.Tensor>(x: X, { weight, bias }: LinearParams): X {
  return tf.tidy(() => addBias(product(x, weight), bias));
}

/** x [..., D] + bias [D]. */
export function addBias<X extends tf.Tensor>(x: X, bias: tf.Tensor1D): X {
  return differentiable<X>(
    [x, bias],
    () => tf.add(x, bias) as X,
    (dy) => [tf.clone(dy), columnSums(tf.reshape(dy, [dy.size / bias.size, bias.size]) as tf.Tensor2D)],
  );
}

/**
 * activation(x + bias) weightᵀ: x [..., in], bias [in], weight [out, in] -> [..., out]. The gradient keeps x alone and activates
 * it again; the bias is added where x is read anyway.
 */
export function activatedProduct<X extends tf.Tensor>(
  { value, gradient }: Activation,
  x: X,
  bias: tf.Tensor1D,
  weight: tf.Tensor2D,
): X {
  return tf.tidy(() => {
    const [outputs, inputs] = weight.shape;
    const rows = tf.reshape(x, [x.size / inputs, inputs]) as tf.Tensor2D;
    const y = differentiable(
      [rows, bias, weight],
      (save) => {
        save([rows, bias, weight]);
        const [activated] = fuse((input, b) => [value(tf.add(input, b))], [rows, bias]);
        return tf.matMul(activated as tf.Tensor2D, weight, false, true);
      },
      (dy, saved) => {
        const [savedRows, savedBias, savedWeight] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
        const [activated, dRows] = fuse(
          (input, b, upstream) => {
            const { value: again, dx } = gradient(tf.add(input, b), upstream);
            return [again, dx];
          },
          [savedRows, savedBias, tf.matMul(dy, savedWeight)],
        ) as [tf.Tensor2D, tf.Tensor2D];
        return [dRows, columnSums(dRows), tf.matMul(dy, activated, true, false)];
      },
    );
    return tf.reshape(y, [...x.shape.slice(0, -1), outputs]) as tf.Tensor as X;
  });
}
