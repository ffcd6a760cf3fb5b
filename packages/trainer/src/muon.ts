/** Muon: momentum whose matrix is made orthogonal before it is applied (Jordan et al. 2024; torch.optim.Muon with match_rms_adamw). */
import { sumOfSquares } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { emaLeaf } from './ema.ts';

/** The weights that Muon updates, and its momentum. */
export interface MuonOptions {
  /** Decay of the momentum a step; 0.95 in Jordan et al. */
  readonly momentum: number;
  /** Patterns of dotted paths, `*` for any run of characters; Muon updates the matrices among the matched leaves. */
  readonly match: readonly string[];
}

/** The scalars of one update, rank 0 each. */
export interface MuonScalars {
  /** Learning rate, or 0 to keep the parameter. */
  readonly rate: tf.Tensor;
  /** 1 - momentum, or 0 to keep the momentum. */
  readonly momentumRate: tf.Tensor;
  /** 1 - rate weightDecay; absent without decay. */
  readonly keep?: tf.Tensor;
}

/** Coefficients of the quintic that moves singular values towards 1, steepest at 0; five rounds bring them between 0.7 and 1.2. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const ROUNDS = 5;
const SMALLEST_NORM = 1e-7;

/** U V^T of a matrix U S V^T, nearly: five Newton-Schulz rounds X <- a X + (b X X^T + c (X X^T)^2) X. `[m, n] -> [m, n]`. */
export function orthogonalize(matrix: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => {
    const [rows, columns] = matrix.shape as [number, number];
    const wide = rows > columns ? tf.transpose(matrix) : matrix;
    let x = tf.div(wide, tf.maximum(tf.sqrt(sumOfSquares(wide)), SMALLEST_NORM)) as tf.Tensor2D;
    for (let round = 0; round < ROUNDS; round++) {
      const gram = tf.matMul(x, x, false, true);
      const factor = tf.add(tf.mul(gram, B), tf.mul(tf.matMul(gram, gram), C)) as tf.Tensor2D;
      x = tf.add(tf.mul(x, A), tf.matMul(factor, x)) as tf.Tensor2D;
    }
    return (rows > columns ? tf.transpose(x) : x) as tf.Tensor2D;
  });
}

/**
 * One matrix's update with Nesterov momentum: m' = m + (1 - momentum) (g - m), u = g + momentum (m' - g),
 * p' = keep p - rate 0.2 sqrt(max(rows, columns)) orthogonalize(u). `param, m, grad [rows, columns] -> [p', m']`.
 * The factor gives updates the size of AdamW's, so both share a learning rate (Liu et al. 2025, "Muon is scalable").
 */
export function muonLeaf(
  param: tf.Tensor,
  m: tf.Tensor,
  grad: tf.Tensor,
  { rate, momentumRate, keep }: MuonScalars,
  momentum: number,
): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    const nextM = emaLeaf(m, grad, momentumRate);
    const direction = orthogonalize(tf.add(grad, tf.mul(tf.sub(nextM, grad), momentum)));
    const size = 0.2 * Math.sqrt(Math.max(...param.shape));
    const update = tf.mul(direction, tf.mul(rate, size));
    return [tf.sub(keep === undefined ? param : tf.mul(param, keep), update), nextM];
  });
}
