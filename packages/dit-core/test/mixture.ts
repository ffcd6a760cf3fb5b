/** A mixture of two Gaussians, element by element, whose velocity and moments are known: class k is component k alone, label 2 is both. */
import type { Path } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { VelocityFn } from '../src/index.ts';

const MEANS = [-1, 2] as const;
const SHARES = [0.4, 0.6] as const;
export const DEVIATION = 0.5;
export const NULL_CLASS = 2;

/** alpha, sigma and their derivatives, in double precision. */
function pathAt(path: Path, t: number): readonly [number, number, number, number] {
  if (path === 'linear') return [1 - t, t, -1, 1];
  const turn = Math.PI / 2;
  return [Math.cos(turn * t), Math.sin(turn * t), -turn * Math.sin(turn * t), turn * Math.cos(turn * t)];
}

/** Velocity as a function of the value, in double precision. */
export function velocityAt(
  t: number,
  label: number = NULL_CLASS,
  path: Path = 'linear',
  s: number = DEVIATION,
): (x: number) => number {
  const [alpha, sigma, dAlpha, dSigma] = pathAt(path, t);
  const power = alpha ** 2 * s ** 2 + sigma ** 2;
  const slope = (dAlpha * alpha * s ** 2 + dSigma * sigma) / power;
  const [m1, m2] = MEANS;
  const odds = Math.log(SHARES[1] / SHARES[0]);
  return (x) => {
    const logOdds = odds + ((x - alpha * m1) ** 2 - (x - alpha * m2) ** 2) / (2 * power);
    const share = label === NULL_CLASS ? 1 / (1 + Math.exp(-logOdds)) : label; // of the second component
    const mean = (1 - share) * m1 + share * m2;
    return dAlpha * mean + slope * (x - alpha * mean);
  };
}

/** The velocity as a model. */
export function mixtureVelocity(path: Path = 'linear', s: number = DEVIATION): VelocityFn {
  return (x, t, y) => {
    const [values, times, labels] = [x.dataSync(), t.dataSync(), y.dataSync()];
    const [size, out] = [x.size / x.shape[0], new Float32Array(x.size)];
    for (let row = 0; row < x.shape[0]; row++) {
      const velocity = velocityAt(times[row] as number, labels[row] as number, path, s);
      for (let i = row * size; i < (row + 1) * size; i++) out[i] = velocity(values[i] as number);
    }
    return tf.tensor4d(out, x.shape);
  };
}

/** E[x^k] of the data, k from 0 to `most`. */
export function rawMoments(most: number): number[] {
  const gaussian = (mean: number): number[] => {
    const moments = [1, mean];
    for (let k = 2; k <= most; k++)
      moments.push(mean * (moments[k - 1] as number) + (k - 1) * DEVIATION ** 2 * (moments[k - 2] as number));
    return moments;
  };
  const parts = MEANS.map(gaussian);
  return Array.from({ length: most + 1 }, (_, k) =>
    parts.reduce((sum, part, i) => sum + (SHARES[i] as number) * (part[k] as number), 0),
  );
}

/** Standard normal numbers (mulberry32, Box-Muller). */
export function normals(count: number, seed: number): Float32Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (((z ^ (z >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(uniform())), 2 * Math.PI * uniform()];
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** Slope of log(error) over log(steps), sign turned: the order of a method. */
export function fittedOrder(steps: readonly number[], errors: readonly number[]): number {
  const [x, y] = [steps.map(Math.log), errors.map(Math.log)];
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * ((y[i] as number) - my)));
  return -covariance / mean(x.map((value) => (value - mx) ** 2));
}
