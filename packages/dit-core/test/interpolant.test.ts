import type { Path } from '@ahpa/ports';
import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { coefficients, interpolant, interpolate, logSnr } from '../src/index.ts';

const paths: readonly Path[] = ['linear', 'cosine'];

describe.each(paths)('%s path', (path) => {
  const x0 = () => testTensor([3, 2, 2, 2], 1) as tf.Tensor4D;
  const noise = () => testTensor([3, 2, 2, 2], 2) as tf.Tensor4D;

  test('starts at the data and ends at the noise', () => {
    expectClose(interpolate(path, x0(), noise(), tf.zeros([3])).xt, x0(), { atol: 1e-6 });
    expectClose(interpolate(path, x0(), noise(), tf.ones([3])).xt, noise(), { atol: 1e-6 });
  });

  test('velocity is the time derivative of x_t', () => {
    const t = tf.tensor1d([0.1, 0.5, 0.9]);
    const at = (delta: number): tf.Tensor4D => interpolate(path, x0(), noise(), tf.add(t, delta)).xt;
    const slope = tf.div(tf.sub(at(1e-2), at(-1e-2)), 2e-2);
    expectClose(interpolate(path, x0(), noise(), t).velocity, slope, { atol: 3e-4, rtol: 0 });
  });

  test('log-SNR falls with t, is zero at one half and finite at both ends', () => {
    const values = logSnr(path, tf.tensor1d([0, 0.2, 0.5, 0.8, 1])).dataSync();
    expect([...values].every(Number.isFinite)).toBe(true);
    expect([...values].every((value, i) => i === 0 || value < (values[i - 1] as number))).toBe(true);
    expect(values[2]).toBeCloseTo(0, 5);
  });

  test('has a time for every ratio of noise to data', () => {
    const logRatio = tf.tensor1d([-3, -0.5, 0, 1, 4]);
    const t = expectLive(() => interpolant(path).timeAt(logRatio), 1);
    const { alpha, sigma } = coefficients(path, t);
    expectClose(tf.log(tf.div(sigma, alpha)), logRatio, { atol: 1e-5 });
  });

  test('keeps exactly what it returns', () => {
    const [a, b, t] = [x0(), noise(), tf.tensor1d([0.1, 0.5, 0.9])];
    const four = expectLive(() => coefficients(path, t), 4);
    tf.dispose(four);
    expect(t.isDisposed).toBe(false);
    expectLive(() => interpolate(path, a, b, t), 2);
    expectLive(() => logSnr(path, t), 1);
  });
});

test('the linear velocity is noise minus data', () => {
  const [x0, noise] = [
    testTensor([2, 2, 2, 1], 1) as tf.Tensor4D,
    testTensor([2, 2, 2, 1], 2) as tf.Tensor4D,
  ];
  expectClose(interpolate('linear', x0, noise, tf.tensor1d([0.3, 0.7])).velocity, tf.sub(noise, x0), {
    atol: 1e-7,
  });
});

test('the cosine path preserves variance', () => {
  const { alpha, sigma } = coefficients('cosine', tf.tensor1d([0, 0.3, 0.8]));
  expectClose(tf.add(tf.square(alpha), tf.square(sigma)), tf.ones([3]));
});
