import { philox } from '@ahpa/ops';
import { expectLive } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type LearningRateOptions, learningRate, sampleTimes, type TimeOptions } from '../src/index.ts';
import { PATHS } from './toy.ts';

const rate = (options: LearningRateOptions, step: number): number => {
  const count = tf.scalar(step, 'int32');
  return expectLive(() => learningRate(options, count), 1).dataSync()[0] as number;
};

describe('learningRate', () => {
  test('constant', () => {
    expect(rate({ learningRate: 0.5 }, 1_000_000)).toBe(0.5);
  });

  test.each([
    [0, 0.1],
    [4, 0.5],
    [9, 1],
    [500, 1],
  ])('warm-up over ten steps at %i', (step, want) => {
    expect(rate({ learningRate: 1, warmup: 10 }, step)).toBeCloseTo(want, 6);
  });

  test.each([
    [0, 0.1],
    [10, 1],
    [60, 0.6],
    [110, 0.2],
    [500, 0.2],
  ])('cosine to 110 steps at %i', (step, want) => {
    const schedule = { kind: 'cosine', until: 110, final: 0.2 } as const;
    expect(rate({ learningRate: 1, warmup: 10, schedule }, step)).toBeCloseTo(want, 6);
  });
});

test.each([
  ['linear', 60, 0.6],
  ['linear', 85, 0.4],
  ['linear', 500, 0.2],
] as const)('%s to 110 steps at %i', (kind, step, want) => {
  const schedule = { kind, until: 110, final: 0.2 } as const;
  expect(rate({ learningRate: 1, warmup: 10, schedule }, step)).toBeCloseTo(want, 6);
});

test.each([
  [0, 0.2],
  [4, 1],
  [100, 1],
  [400, 0.5],
  [10_000, 0.1],
])('inverse square root from 100 steps on at %i', (step, want) => {
  const schedule = { kind: 'inverse-sqrt', from: 100 } as const;
  expect(rate({ learningRate: 1, warmup: 5, schedule }, step)).toBeCloseTo(want, 6);
});

describe('sampleTimes', () => {
  /** Median and the 0.8413 quantile (one deviation above) of many draws. */
  function quantiles(options: TimeOptions, path: keyof typeof PATHS): [number, number] {
    const step = tf.scalar(3, 'int32');
    const draw = () => sampleTimes(philox(1), PATHS[path], 40_001, step, options);
    const drawn = expectLive(draw, 1).dataSync();
    const sorted = Float32Array.from(drawn).sort();
    expect(sorted[0]).toBeGreaterThanOrEqual(0);
    expect(sorted.at(-1)).toBeLessThanOrEqual(1);
    return [sorted[20_000] as number, sorted[33_654] as number];
  }
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

  test.each<[TimeOptions, number, number, path?: keyof typeof PATHS]>([
    [{ sampling: 'uniform' }, 0.5, 0.8413],
    [{ sampling: 'lognormal' }, 0.5, sigmoid(1)],
    [{ sampling: 'lognormal' }, 0.5, (2 / Math.PI) * Math.atan(Math.E), 'cosine'],
    [{ sampling: 'logit-normal', mean: -0.5, std: 2 }, sigmoid(-0.5), sigmoid(1.5)],
  ])('%o', (options, median, upper, path = 'linear') => {
    const [gotMedian, gotUpper] = quantiles(options, path);
    expect(Math.abs(gotMedian - median)).toBeLessThan(0.01);
    expect(Math.abs(gotUpper - upper)).toBeLessThan(0.01);
  });
});
