import { expectClose, expectLive } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { clipScale, globalNorm, scaleGradients, updateEma } from '../src/index.ts';

const scalar = (value: number) => ({ shape: [], data: [value] });

describe('globalNorm', () => {
  test('is the norm of all leaves together', () => {
    const tree = { a: tf.tensor1d([3, 0]), b: [tf.tensor2d([[4], [12]])] };
    expectClose(
      expectLive(() => globalNorm(tree), 1),
      scalar(13),
      { atol: 0, rtol: 1e-7 },
    );
    expectClose(globalNorm({}), scalar(0));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('is not finite when a gradient is %f', (bad) => {
    expect(Number.isFinite(globalNorm([tf.tensor1d([1, bad])]).dataSync()[0])).toBe(false);
  });
});

describe('clipScale', () => {
  test.each([
    { norm: 0.5, max: 1, want: 1 },
    { norm: 4, max: 1, want: 1 / (4 + 1e-6) },
    { norm: 0, max: 2, want: 1 },
  ])('norm $norm, max $max', ({ norm, max, want }) => {
    expectClose(
      expectLive(
        () =>
          clipScale(
            tf.tidy(() => tf.scalar(norm)),
            max,
          ),
        2,
      ),
      scalar(want),
      {
        atol: 0,
        rtol: 2e-7,
      },
    );
  });
});

describe('scaleGradients', () => {
  const bad = () => ({ a: tf.tensor1d([1, Number.NaN, Number.NEGATIVE_INFINITY]) });

  test('multiplies, and keeps what is not finite visible', () => {
    const scaled = scaleGradients(bad(), tf.scalar(0.5)).a.dataSync();
    expect([...scaled]).toEqual([0.5, Number.NaN, Number.NEGATIVE_INFINITY]);
  });

  test('a scale of 0 gives zeros for NaN and infinity', () => {
    expect([...scaleGradients(bad(), tf.scalar(0)).a.dataSync()]).toEqual([0, 0, 0]);
  });
});

describe('updateEma', () => {
  test('moves by the rate', () => {
    const next = updateEma({ a: tf.tensor1d([1, 2]) }, { a: tf.tensor1d([2, 0]) }, tf.scalar(0.25));
    expectClose(next.a, { shape: [2], data: [1.25, 1.5] }, { atol: 0, rtol: 1e-7 });
  });

  test('a rate of 0 keeps every bit', () => {
    const values = Float32Array.of(0.1, 1e-30, -3.3e10);
    const next = updateEma(tf.tensor1d(values), tf.tensor1d([5, -1, 7]), tf.scalar(0));
    expect(next.dataSync()).toEqual(values);
  });
});
