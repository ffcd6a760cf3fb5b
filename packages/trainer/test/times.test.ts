import { philox } from '@ahpa/ops';
import { expectClose, expectLive } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { sampleTimes, type TimeOptions } from '../src/index.ts';
import { PATHS } from './toy.ts';

const count = 20_000;
const draw = (options: TimeOptions, path: keyof typeof PATHS = 'linear'): tf.Tensor1D =>
  sampleTimes(philox(5), PATHS[path], count, tf.scalar(3, 'int32'), options);

/** The normal distribution function, by its series. */
function normalBelow(x: number): number {
  let [term, sum] = [x, x];
  for (let k = 1; k < 100; k++) {
    term *= -(x * x) / (2 * k);
    sum += term / (2 * k + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

const logit = (t: number): number => Math.log(t / (1 - t));

describe('times have the distribution they are named after', () => {
  const logOfRatio = (t: number): number => Math.log(Math.tan((Math.PI / 2) * t)); // ln(sigma / alpha), cosine path
  test.each<[TimeOptions, (t: number) => number, path?: keyof typeof PATHS]>([
    [{ sampling: 'uniform' }, (t) => t],
    [{ sampling: 'uniform', shift: 3 }, (t) => t / (3 - 2 * t)],
    [{ sampling: 'lognormal' }, (t) => normalBelow(logit(t))],
    [{ sampling: 'lognormal', mean: 0.847, std: 0.8 }, (t) => normalBelow((logit(t) - 0.847) / 0.8)],
    [{ sampling: 'lognormal' }, (t) => normalBelow(logOfRatio(t)), 'cosine'],
    [{ sampling: 'logit-normal', mean: -0.5, std: 1.5 }, (t) => normalBelow((logit(t) + 0.5) / 1.5)],
    [{ sampling: 'logit-normal', mean: 0, std: 1, shift: 3 }, (t) => normalBelow(logit(t) - Math.log(3))],
  ])('%o', (options, below, path) => {
    const sorted = draw(options, path).dataSync().slice().sort();
    let largest = 0;
    sorted.forEach((t, i) => {
      largest = Math.max(largest, Math.abs(below(t) - (i + 0.5) / count));
    });
    expect(largest * Math.sqrt(count)).toBeLessThan(1.63); // Kolmogorov-Smirnov, one in a hundred
  });
});

test('a shift of 1 changes nothing, and one tensor is kept', () => {
  const plain = expectLive(() => draw({ sampling: 'logit-normal', mean: 0, std: 1 }), 1 + 1);
  expectClose(draw({ sampling: 'logit-normal', mean: 0, std: 1, shift: 1 }), plain, { atol: 0, rtol: 0 });
});
