/** Moving averages of parameters: with a constant decay, or with one that makes the average's width grow with the run. */
import { flatten, hasKernel, log1p, runKernel, tidyTree, unflatten } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { stdToExponent } from './power-ema.ts';

/** A moving average: of a constant decay a step, or of a power function of the step with a relative width (EDM2). */
export type AverageOptions = { readonly decay: number } | { readonly sigmaRel: number };

/**
 * The rate, 1 - decay, of the update after `updates` of them. `[] int32 -> []`.
 * A power function's decay at update t is (1 - 1/t)^(gamma + 1), so the first parameters are forgotten at once (Karras et al. 2024, eq. 2).
 */
export function emaRate(average: AverageOptions, updates: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    if ('decay' in average) return tf.scalar(1 - average.decay);
    const gamma = stdToExponent(average.sigmaRel);
    const t = tf.add(tf.cast(updates, 'float32'), 1);
    return tf.neg(tf.expm1(tf.mul(log1p(tf.div(-1, t)), gamma + 1))) as tf.Scalar;
  });
}

/**
 * `average + rate (value - average)` for one leaf. `[...], [...], [] -> [...]`. Uses the kernel `Ema` ({ average, value, rate })
 * if there is one.
 */
export function emaLeaf(average: tf.Tensor, value: tf.Tensor, rate: tf.Tensor): tf.Tensor {
  if (hasKernel('Ema')) return runKernel('Ema', { average, value, rate });
  return tf.tidy(() => tf.add(average, tf.mul(tf.sub(value, average), rate)));
}

/** Moves every average towards its value: e' = e + rate (p - e). `rate []` is 1 - decay; a rate of 0 leaves `average` bit-identical. */
export function updateEma<P extends Tree>(average: P, values: P, rate: tf.Tensor): P {
  return tidyTree(() => {
    const next = flatten(values);
    return unflatten(
      average,
      flatten(average).map((leaf, i) => emaLeaf(leaf, next[i] as tf.Tensor, rate)),
    );
  });
}
