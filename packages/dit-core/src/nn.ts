/** The element-wise and linear operations of a block, with hand-written gradients that make few passes over big tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable, fuse } from './differentiable.ts';
import type { LinearParams } from './params.ts';

const NORM_EPSILON = 1e-6;
// gelu(x) = x sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3); here 2u = CUBIC x (x^2 + RATIO).
const RATIO = 1 / 0.044715;
const CUBIC = 2 * Math.sqrt(2 / Math.PI) * 0.044715;

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
function addBias<X extends tf.Tensor>(x: X, bias: tf.Tensor1D): X {
  return differentiable<X>(
    [x, bias],
    () => tf.add(x, bias) as X,
    (dy) => [tf.clone(dy), columnSums(tf.reshape(dy, [dy.size / bias.size, bias.size]) as tf.Tensor2D)],
  );
}

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

/** sigmoid(2u) of GELU's tanh form, through the cheaper tanh. */
const geluGate = (x: tf.Tensor, square: tf.Tensor): tf.Tensor =>
  tf.add(tf.mul(tf.tanh(tf.mul(tf.mul(x, tf.add(square, RATIO)), CUBIC / 2)), 0.5), 0.5);

/** GELU in its tanh form. */
export const GELU: Activation = {
  value: (x) => tf.mul(x, geluGate(x, tf.square(x))),
  gradient: (x, dy) => {
    const square = tf.square(x);
    const s = geluGate(x, square);
    const value = tf.mul(x, s);
    const slope = tf.mul(tf.mul(value, tf.sub(1, s)), tf.add(square, RATIO / 3)); // s + y (1 - s) d(2u)/dx
    return { value, dx: tf.mul(dy, tf.add(s, tf.mul(slope, 3 * CUBIC))) };
  },
};

/** An activation of a tensor of any shape. */
function activate<X extends tf.Tensor>({ value, gradient }: Activation, x: X): X {
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

/** GELU in its tanh form, of any shape. */
export const gelu = <X extends tf.Tensor>(x: X): X => activate(GELU, x);

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

/**
 * LayerNorm over D (population variance, eps 1e-6, no affine), then the adaLN modulation.
 * x [B, T, D], shift [B, D], scale [B, D] -> LN(x) (1 + scale) + shift, [B, T, D].
 */
export function modulatedLayerNorm(x: tf.Tensor3D, shift: tf.Tensor2D, scale: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() =>
    differentiable<tf.Tensor3D>(
      [x, shift, scale],
      (save) => {
        const [y, mean, rstd] = fuse(modulatedNorm, [x, shift, scale]);
        save([x, scale, mean, rstd]);
        return y as tf.Tensor3D;
      },
      (dy, saved) => fuse(normGradients, [dy, ...saved]),
    ),
  );
}

/** [B, D] -> 1 + gain, [B, 1, D]. */
const onePlus = (gain: tf.Tensor): tf.Tensor => tf.expandDims(tf.add(gain, 1), 1);

/** x [B, T, D], shift, scale [B, D] -> the modulated norm, and what x was centred and multiplied by, [B, T, 1]. */
function modulatedNorm(...[x, shift, scale]: Three): [y: tf.Tensor, mean: tf.Tensor, rstd: tf.Tensor] {
  const mean = tf.mean(x, -1, true);
  const centred = tf.sub(x, mean);
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), NORM_EPSILON));
  return [tf.add(tf.mul(tf.mul(centred, rstd), onePlus(scale)), tf.expandDims(shift, 1)), mean, rstd];
}

/** Gradients of modulatedLayerNorm: dx, dShift, dScale. */
function normGradients(...[dy, x, scale, mean, rstd]: [...Three, tf.Tensor, tf.Tensor]): Three {
  const normal = tf.mul(tf.sub(x, mean), rstd);
  const dNormal = tf.mul(dy, onePlus(scale));
  const correlation = tf.mean(tf.mul(dNormal, normal), -1, true); // [B, T, 1]
  const residual = tf.sub(tf.sub(dNormal, tf.mean(dNormal, -1, true)), tf.mul(normal, correlation));
  return [tf.mul(residual, rstd), tf.sum(dy, 1), tf.sum(tf.mul(dy, normal), 1)];
}

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

/** Gated residual: x [B, T, D] + gate [B, D] (y [B, T, D] + bias [D]). */
export function gatedResidual(
  x: tf.Tensor3D,
  gate: tf.Tensor2D,
  y: tf.Tensor3D,
  bias: tf.Tensor1D,
): tf.Tensor3D {
  return tf.tidy(() =>
    differentiable<tf.Tensor3D>(
      [x, gate, y, bias],
      (save) => {
        save([gate, y, bias]);
        return fuse(
          (input, g, branch, b) => [tf.add(input, tf.mul(tf.expandDims(g, 1), tf.add(branch, b)))],
          [x, gate, y, bias],
        )[0] as tf.Tensor3D;
      },
      (dy, saved) => {
        const [dGate, dBranch, sums] = fuse(residualGradients, [dy, ...saved]);
        return [tf.clone(dy), dGate, dBranch, tf.sum(tf.mul(saved[0] as tf.Tensor, sums), 0)];
      },
    ),
  );
}

/** dy [B, T, D], gate [B, D], y [B, T, D], bias [D] -> dGate [B, D], dY [B, T, D], and dy summed over T, [B, D]. */
function residualGradients(...[dy, gate, y, bias]: [...Three, tf.Tensor]): Three {
  return [tf.sum(tf.mul(dy, tf.add(y, bias)), 1), tf.mul(dy, tf.expandDims(gate, 1)), tf.sum(dy, 1)];
}
