/** One step of Dormand and Prince's method: two solutions of orders 5 and 4 from seven slopes. */
import * as tf from '@tensorflow/tfjs-core';
import type { Model } from './guidance.ts';

/** Times, weights of the slopes in every stage, in the solution (order 5) and in its error (order 5 minus order 4). */
export const DOPRI5: {
  readonly times: readonly number[];
  readonly stages: readonly (readonly number[])[];
  readonly error: readonly number[];
} = {
  times: [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1],
  stages: [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ],
  error: [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40],
};

/** Tolerances of a step. */
export type Tolerances = { readonly rtol: number; readonly atol: number };

/** Root mean square over a sample: [B, h, w, C] -> B numbers. */
export function norms(x: tf.Tensor4D): number[] {
  return [...tf.tidy(() => tf.sqrt(tf.mean(tf.square(x), [1, 2, 3]))).dataSync()];
}

/** One number for each sample, [B, 1, 1, 1]. */
export const column = (values: readonly number[]): tf.Tensor4D =>
  tf.tensor4d(values as number[], [values.length, 1, 1, 1]);

/** x - length (weights . slopes), lengths [B, 1, 1, 1] > 0: time runs from 1 down. */
export function ahead(
  x: tf.Tensor4D,
  slopes: readonly tf.Tensor4D[],
  weights: readonly number[],
  length: tf.Tensor4D,
) {
  return tf.sub(x, tf.mul(combine(slopes, weights), length)) as tf.Tensor4D;
}

function combine(slopes: readonly tf.Tensor4D[], weights: readonly number[]): tf.Tensor4D {
  const terms = weights.flatMap((weight, i) =>
    weight === 0 ? [] : [tf.mul(slopes[i] as tf.Tensor, weight)],
  );
  return tf.addN(terms) as tf.Tensor4D;
}

/** x after a step of each sample's length, its slope there, and the error relative to the tolerances. */
export function tryStep(
  model: Model,
  x: tf.Tensor4D,
  slope: tf.Tensor4D,
  now: readonly number[],
  lengths: readonly number[],
  { rtol, atol }: Tolerances,
): { readonly x: tf.Tensor4D; readonly slope: tf.Tensor4D; readonly error: number[] } {
  const length = column(lengths);
  const slopes = [slope];
  let reached = x;
  for (let stage = 1; stage < DOPRI5.times.length; stage++) {
    reached = ahead(x, slopes, DOPRI5.stages[stage] as readonly number[], length);
    const at = now.map((t, i) => Math.max(0, t - (DOPRI5.times[stage] as number) * (lengths[i] as number)));
    slopes.push(model(reached, at));
  }
  const scale = tf.add(tf.mul(tf.maximum(tf.abs(x), tf.abs(reached)), rtol), atol);
  const error = norms(tf.div(tf.mul(combine(slopes, DOPRI5.error), length), scale));
  return { x: reached, slope: slopes.at(-1) as tf.Tensor4D, error };
}
