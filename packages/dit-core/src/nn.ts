/** The element-wise operations of a block, with hand-written gradients that make few passes over big tensors. */
import { type Activation, activate, differentiable, fuse } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';

const NORM_EPSILON = 1e-6;
// gelu(x) = x sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3); here 2u = CUBIC x (x^2 + RATIO).
const RATIO = 1 / 0.044715;
const CUBIC = 2 * Math.sqrt(2 / Math.PI) * 0.044715;

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

/** GELU in its tanh form, of any shape. */
export const gelu = <X extends tf.Tensor>(x: X): X => activate(GELU, x);

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

/** x [B, T, D], shift, scale [B, D] -> the modulated norm, and mean and reciprocal deviation of x, [B, T, 1]. */
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
