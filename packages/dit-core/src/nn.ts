/** The element-wise and linear operations of a block, with hand-written gradients that make few passes over big tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { checkpoint, differentiable } from './differentiable.ts';
import type { LinearParams } from './params.ts';

const NORM_EPSILON = 1e-6;
// gelu(x) = x sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3); here 2u = CUBIC x (x^2 + RATIO).
const RATIO = 1 / 0.044715;
const CUBIC = 2 * Math.sqrt(2 / Math.PI) * 0.044715;

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

/** linear(activation(x)) whose gradient keeps x alone and activates it again. */
export function activatedLinear<X extends tf.Tensor>(
  activation: (x: X) => X,
  x: X,
  { weight, bias }: LinearParams,
): X {
  return checkpoint(
    (input, w, b) => linear(activation(input as X), { weight: w as tf.Tensor2D, bias: b as tf.Tensor1D }),
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

/** GELU in its tanh form, of any shape. */
export function gelu<X extends tf.Tensor>(x: X): X {
  return tf.tidy(() =>
    differentiable<X>(
      [x],
      (save) => {
        const v = tf.add(tf.square(x), RATIO);
        const s = tf.sigmoid(tf.mul(tf.mul(x, v), CUBIC));
        const y = tf.mul(x, s) as X;
        save([y, s, v]);
        return y;
      },
      (dy, saved) => {
        const [y, s, v] = saved as [X, X, X];
        const slope = tf.mul(tf.mul(y, tf.sub(1, s)), tf.sub(v, (2 / 3) * RATIO));
        return [tf.mul(dy, tf.add(s, tf.mul(slope, 3 * CUBIC)))]; // dy (s + y (1 - s) d(2u)/dx)
      },
    ),
  );
}

/**
 * LayerNorm over D (population variance, eps 1e-6, no affine), then the adaLN modulation.
 * x [B, T, D], shift [B, D], scale [B, D] -> LN(x) (1 + scale) + shift, [B, T, D].
 */
export function modulatedLayerNorm(x: tf.Tensor3D, shift: tf.Tensor2D, scale: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, , width] = x.shape;
    return differentiable<tf.Tensor3D>(
      [x, shift, scale],
      (save) => {
        const centred = tf.sub(x, tf.mean(x, -1, true));
        const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), NORM_EPSILON)); // [B, T, 1]
        const normal = tf.mul(centred, rstd);
        const gain = tf.reshape(tf.add(scale, 1), [batch, 1, width]);
        save([normal, rstd, gain]);
        return tf.add(tf.mul(normal, gain), tf.reshape(shift, [batch, 1, width]));
      },
      (dy, saved) => {
        const [normal, rstd, gain] = saved as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
        const dNormal = tf.mul(dy, gain);
        const correlation = tf.mean(tf.mul(dNormal, normal), -1, true); // [B, T, 1]
        const residual = tf.sub(tf.sub(dNormal, tf.mean(dNormal, -1, true)), tf.mul(normal, correlation));
        return [tf.mul(residual, rstd), tf.sum(dy, 1), tf.sum(tf.mul(dy, normal), 1)];
      },
    );
  });
}

/** Gated residual: x [B, T, D] + gate [B, D] y [B, T, D]. */
export function gatedResidual(x: tf.Tensor3D, gate: tf.Tensor2D, y: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => tf.add(x, tf.mul(tf.expandDims(gate, 1), y)));
}
