/** Exponential moving average of parameters. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernel.ts';
import type { Tree } from './ports.ts';
import { flatten, tidyTree, unflatten } from './tree.ts';

/** `average + rate (value - average)` for one leaf. `[...], [...], [] -> [...]`. Uses the kernel `Ema` ({ average, value, rate }) if there is one. */
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
