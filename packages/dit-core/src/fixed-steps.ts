/** Samplers on a fixed time grid: Euler and Heun steps for the flow, Euler-Maruyama steps for the SDE of the same marginals. */
import type { Path } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { Model } from './guidance.ts';
import { coefficientsAt } from './interpolant.ts';

/** Steps taken, and steps in all. */
export type SampleProgress = { readonly done: number; readonly total: number };

/** One step of a whole batch: x [B, h, w, C] at time `now` -> x at time `next`. `index` counts the steps. */
export type Step = (x: tf.Tensor4D, now: number, next: number, index: number) => tf.Tensor4D;

const everywhere = (x: tf.Tensor4D, t: number): number[] => Array<number>(x.shape[0]).fill(t);

/** x + dt v(x, t). */
export function eulerStep(model: Model): Step {
  return (x, now, next) => tf.add(x, tf.mul(model(x, everywhere(x, now)), next - now));
}

/** The mean of the slopes at both ends of the step; REPA guides both by the time at its start, and ends with an Euler step. */
export function heunStep(model: Model): Step {
  return (x, now, next) => {
    const start = everywhere(x, now);
    const slope = model(x, start);
    const predicted: tf.Tensor4D = tf.add(x, tf.mul(slope, next - now));
    if (next === 0) return predicted;
    const ahead = model(predicted, everywhere(x, next), start);
    return tf.add(x, tf.mul(tf.add(slope, ahead), (next - now) / 2));
  };
}

/**
 * Euler-Maruyama: drift v - w s / 2 with diffusion w = 2 t and score s = (r v - x) / (sigma^2 - r sigma' sigma),
 * r = alpha / alpha', then noise sqrt(w |dt|) `stepNoise`(index); the step to t = 0 adds none. REPA's `samplers.py`.
 */
export function sdeStep(model: Model, path: Path, stepNoise: (step: number) => tf.Tensor): Step {
  return (x, now, next, index) => {
    const { alpha, sigma, dAlpha, dSigma } = coefficientsAt(path, now);
    const ratio = alpha / dAlpha;
    const half = now / (sigma * sigma - ratio * dSigma * sigma); // (w / 2) / denominator
    const drift = tf.add(tf.mul(model(x, everywhere(x, now)), 1 - half * ratio), tf.mul(x, half));
    const moved: tf.Tensor4D = tf.add(x, tf.mul(drift, next - now));
    return next === 0 ? moved : tf.add(moved, tf.mul(stepNoise(index), Math.sqrt(2 * now * (now - next))));
  };
}

/** One step between consecutive times at each call of `next`. Does not dispose `x`; what it holds is disposed where it is ended early. */
export function* followSteps(
  x: tf.Tensor4D,
  times: readonly number[],
  step: Step,
): Generator<SampleProgress, tf.Tensor4D> {
  const total = times.length - 1;
  let current = tf.clone(x);
  let done = 0;
  try {
    while (done < total) {
      const advanced = tf.tidy(() => step(current, times[done] as number, times[done + 1] as number, done));
      current.dispose();
      current = advanced;
      yield { done: ++done, total };
    }
    return tf.clone(current);
  } finally {
    current.dispose();
  }
}
