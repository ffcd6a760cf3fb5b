import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { DOPRI5 } from '../src/dormand-prince.ts';
import { type SampleConfig, type SolverConfig, sample, sampleTimes } from '../src/index.ts';
import { fittedOrder, mixtureVelocity, NULL_CLASS, normals, rawMoments, velocityAt } from './mixture.ts';

const configOf = (solver: SolverConfig): SampleConfig => ({
  ...solver,
  ...{ guidance: 1, guidanceInterval: [0, 1], path: 'linear', nullClass: NULL_CLASS },
});
/** Values as batches of 500, whose elements know nothing of each other. */
const rows = (values: Float32Array, size = Math.min(500, values.length)): tf.Tensor4D =>
  tf.tensor4d(values, [values.length / size, size, 1, 1]);
const labels = (count: number): tf.Tensor1D => tf.fill([count], NULL_CLASS, 'int32') as tf.Tensor1D;

function draw(start: Float32Array, solver: SolverConfig, stepNoise?: (step: number) => tf.Tensor) {
  const [noise, tools] = [rows(start), stepNoise ? { stepNoise } : {}];
  return sample(mixtureVelocity(), noise, labels(noise.shape[0]), configOf(solver), tools).dataSync();
}

/** Mean size of differences. */
const gap = (a: ArrayLike<number>, b: readonly number[]): number =>
  b.reduce((sum, value, i) => sum + Math.abs(value - (a[i] as number)), 0) / b.length;

/** Root mean square of differences. */
const distance = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.sqrt(b.reduce((sum, value, i) => sum + (value - (a[i] as number)) ** 2, 0) / b.length);

describe('order of convergence on the mixture', () => {
  /** The flow by 4,000 classical Runge-Kutta steps in double precision. */
  function flow(x: number): number {
    const [count, h] = [4000, 1 / 4000];
    for (let i = 0; i < count; i++) {
      const t = 1 - i * h;
      const [start, middle, end] = [velocityAt(t), velocityAt(t - h / 2), velocityAt(t - h)];
      const k1 = start(x);
      const k2 = middle(x - (h / 2) * k1);
      const k3 = middle(x - (h / 2) * k2);
      const k4 = end(x - h * k3);
      x -= (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    return x;
  }
  const start = Float32Array.from({ length: 33 }, (_, i) => -2 + i / 8);
  const exact = [...start].map(flow);

  test.each([
    ['euler', 1, [256, 512, 1024, 2048]],
    ['heun', 2, [32, 64, 128, 256]],
  ] as const)('%s has order %i', (sampler, order, counts) => {
    const errors = counts.map((steps) => distance(draw(start, { sampler, steps }), exact));
    expect(Math.abs(fittedOrder(counts, errors) - order)).toBeLessThan(0.1);
  });

  test('sde has strong order 1: paths of one Brownian motion', () => {
    const [paths, finest] = [1000, 4096];
    const fine = normals(paths * finest, 3); // increments of [1, 0.04], step-major
    const first = normals(paths, 4);
    const increments = (intervals: number, step: number): Float32Array => {
      const each = finest / intervals;
      return Float32Array.from({ length: paths }, (_, p) => {
        let sum = 0;
        for (let k = 0; k < each; k++) sum += fine[(step * each + k) * paths + p] as number;
        return sum / Math.sqrt(each);
      });
    };
    const ends = (intervals: number): ArrayLike<number> =>
      draw(first, { sampler: 'sde', steps: intervals + 1 }, (step) => rows(increments(intervals, step)));
    const reference = [...(ends(finest) as Float32Array)];
    const counts = [64, 128, 256, 512];
    const errors = counts.map((intervals) => gap(ends(intervals), reference));
    expect(Math.abs(fittedOrder(counts, errors) - 1)).toBeLessThan(0.1);
  });

  test('dopri5 meets its tolerances', () => {
    for (const rtol of [1e-3, 1e-4, 1e-5]) {
      const error = distance(draw(start, { sampler: 'dopri5', rtol, atol: rtol }), exact);
      expect(error).toBeLessThan(10 * rtol); // a step's error grows where the flow parts
    }
  });

  test('dopri5 satisfies the conditions of order 5, and its companion those of order 4', () => {
    const { times: c, stages, error } = DOPRI5;
    const b = [...(stages[6] as readonly number[]), 0];
    const companion = b.map((weight, i) => weight - (error[i] as number));
    const a = stages.map((row) => c.map((_, j) => row[j] ?? 0));
    const apply = (values: readonly number[]): number[] =>
      a.map((row) => row.reduce((sum, weight, j) => sum + weight * (values[j] as number), 0));
    const times = (...factors: (readonly number[])[]): number[] =>
      c.map((_, i) => factors.reduce((product, factor) => product * (factor[i] as number), 1));
    const power = (n: number): number[] => c.map((value) => value ** n);
    const one = power(0);
    // Rooted trees of up to five nodes (Hairer et al., table II.2.1): weights over them give 1 / gamma.
    const upToFour: (readonly [readonly number[], number])[] = [
      [one, 1],
      [power(1), 1 / 2],
      [power(2), 1 / 3],
      [apply(power(1)), 1 / 6],
      [power(3), 1 / 4],
      [times(power(1), apply(power(1))), 1 / 8],
      [apply(power(2)), 1 / 12],
      [apply(apply(power(1))), 1 / 24],
    ];
    const five: typeof upToFour = [
      [power(4), 1 / 5],
      [times(power(2), apply(power(1))), 1 / 10],
      [times(apply(power(1)), apply(power(1))), 1 / 20],
      [times(power(1), apply(power(2))), 1 / 15],
      [times(power(1), apply(apply(power(1)))), 1 / 30],
      [apply(power(3)), 1 / 20],
      [apply(times(power(1), apply(power(1)))), 1 / 40],
      [apply(apply(power(2))), 1 / 60],
      [apply(apply(apply(power(1)))), 1 / 120],
    ];
    const weigh = (weights: readonly number[], values: readonly number[]): number =>
      weights.reduce((sum, weight, i) => sum + weight * (values[i] as number), 0);
    expect(apply(one)).toEqual(c.map((value) => expect.closeTo(value, 14)));
    for (const [values, wanted] of [...upToFour, ...five]) expect(weigh(b, values)).toBeCloseTo(wanted, 14);
    for (const [values, wanted] of upToFour) expect(weigh(companion, values)).toBeCloseTo(wanted, 14);
  });
});

describe('100,000 samples have the moments of the data', () => {
  const count = 100_000;
  const noise = normals(count, 11);
  test.each<SolverConfig>([
    { sampler: 'euler', steps: 400 },
    { sampler: 'heun', steps: 60 },
    { sampler: 'heun', steps: 60, shift: 2 },
    { sampler: 'sde', steps: 250 },
    { sampler: 'dopri5', rtol: 1e-3, atol: 1e-4 },
  ])('%o', (solver) => {
    const drawn = draw(noise, solver, (step) => rows(normals(count, 1000 + step)));
    const moments = rawMoments(8);
    for (let k = 1; k <= 4; k++) {
      let mean = 0;
      for (const value of drawn) mean += value ** k / count;
      const variance = (moments[2 * k] as number) - (moments[k] as number) ** 2;
      const deviations = (mean - (moments[k] as number)) / Math.sqrt(variance / count);
      expect(Math.abs(deviations), `moment ${k} is ${deviations} standard errors off`).toBeLessThan(3);
    }
  });
});

test('the published schedule of sde', () => {
  const times = sampleTimes('sde', 250);
  expect(times.length).toBe(251);
  expect(times[1]).toBeCloseTo(1 - 0.96 / 249, 15);
});
