/** AdamW as PyTorch defines it: decoupled weight decay, bias correction, epsilon outside the root. */
import { hasKernel, runKernel } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Hyper-parameters; PyTorch's names are betas, eps, weight_decay. */
export interface AdamWOptions {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** REPA's options. */
export const ADAMW: AdamWOptions = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 };

/** First and second moments, each shaped as the parameters. */
export type AdamState<P extends Tree = Tree> = { readonly m: P; readonly v: P };

/** The scalars of one update, rank 0 each. */
export interface AdamWScalars {
  /** 1 - beta1 and 1 - beta2, or 0 to keep the moments. */
  readonly rate1: tf.Tensor;
  readonly rate2: tf.Tensor;
  /** lr sqrt(1 - beta2^t) / (1 - beta1^t), or 0 to keep the parameter. */
  readonly alpha: tf.Tensor;
  /** epsilon sqrt(1 - beta2^t). */
  readonly epsilon: tf.Tensor;
  /** 1 - lr weightDecay; absent without decay. */
  readonly keep?: tf.Tensor;
}

/** 1 - beta^t to float32 precision also where beta^t is close to 1. */
const biasCorrection = (beta: number, t: tf.Tensor): tf.Tensor => tf.neg(tf.expm1(tf.mul(t, Math.log(beta))));

/**
 * The scalars of the update number `step` (int32 [], counted from 0) at rate `lr` (float32 []).
 * `applied` (float32 []) is 1, or 0 for an update that leaves parameters and moments bit-identical.
 */
export function adamwScalars(
  config: AdamWOptions,
  step: tf.Tensor,
  lr: tf.Tensor,
  applied: tf.Tensor,
): AdamWScalars {
  // The kernel works with float32 betas, and 1 - 0.999 differs by 1e-5 there: rates and corrections must agree.
  const fused = config.weightDecay === 0 && hasKernel('AdamW');
  const [beta1, beta2] = config.betas.map(fused ? Math.fround : Number) as [number, number];
  const t = tf.add(tf.cast(step, 'float32'), 1);
  const root = tf.sqrt(biasCorrection(beta2, t));
  const rate = tf.mul(lr, applied);
  return {
    rate1: tf.mul(applied, 1 - beta1),
    rate2: tf.mul(applied, 1 - beta2),
    alpha: tf.div(tf.mul(rate, root), biasCorrection(beta1, t)),
    epsilon: tf.mul(root, config.epsilon),
    ...(config.weightDecay === 0 ? {} : { keep: tf.sub(1, tf.mul(rate, config.weightDecay)) }),
  };
}

/**
 * One parameter's update: m' = m + rate1 (g - m), v' = v + rate2 (g^2 - v), p' = keep p - alpha m' / (sqrt(v') + epsilon).
 * `param, m, v, grad [...] -> [p', m', v']`. Without weight decay it uses the kernel `AdamW`
 * ({ param, m, v, grad, beta1, beta2, alpha, epsilon }) if there is one; that may update in place and so must give the final tensors.
 */
export function adamwLeaf(
  param: tf.Tensor,
  m: tf.Tensor,
  v: tf.Tensor,
  grad: tf.Tensor,
  { rate1, rate2, alpha, epsilon, keep }: AdamWScalars,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    if (keep === undefined && hasKernel('AdamW')) {
      const [beta1, beta2] = [tf.sub(1, rate1), tf.sub(1, rate2)];
      return runKernel('AdamW', { param, m, v, grad, beta1, beta2, alpha, epsilon });
    }
    const nextM = tf.add(m, tf.mul(tf.sub(grad, m), rate1));
    const nextV = tf.add(v, tf.mul(tf.sub(tf.square(grad), v), rate2));
    const update = tf.div(tf.mul(nextM, alpha), tf.add(tf.sqrt(nextV), epsilon));
    return [tf.sub(keep === undefined ? param : tf.mul(param, keep), update), nextM, nextV];
  });
}
