import { entropy } from '@ahpa/ops';
import { expectClose, expectGradient, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { fixedRoute, loadBalance, routeStats } from '../src/index.ts';

const times = (): tf.Tensor1D => tf.tensor1d([0, 0.25, 1]);

describe('fixedRoute', () => {
  test.each([
    ['uniform', [1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3]],
    ['fine', [1, 0, 0, 1, 0, 0, 1, 0, 0]],
    ['coarse', [0, 0, 1, 0, 0, 1, 0, 0, 1]],
    ['linear-handover', [1, 0, 0, 0.75, 0, 0.25, 0, 0, 1]],
  ] as const)('%s over three groups, fine first', (kind, data) => {
    const t = times();
    expectClose(
      expectLive(() => fixedRoute(kind, t, 3), 1),
      { shape: [3, 3], data },
    );
  });

  test.each(['uniform', 'fine', 'coarse', 'linear-handover'] as const)('%s of one group is one', (kind) => {
    expectClose(fixedRoute(kind, times(), 1), tf.ones([3, 1]));
  });
});

describe('loadBalance and entropy', () => {
  const oneHot = (): tf.Tensor2D => tf.tensor2d([1, 0, 0, 1], [2, 2]);

  test('balance looks at the batch, entropy at each row', () => {
    expectClose(loadBalance(oneHot()), tf.scalar(0), { atol: 1e-6 });
    expectClose(entropy(oneHot()), tf.zeros([2]), { atol: 1e-6 });
    const same = tf.tensor2d([1, 0, 1, 0], [2, 2]);
    expectClose(loadBalance(same), tf.scalar(Math.log(2)));
    const even = tf.fill([4, 5], 0.2) as tf.Tensor2D;
    expectClose(loadBalance(even), tf.scalar(0), { atol: 1e-6 });
    expectClose(entropy(even), tf.fill([4], Math.log(5)));
  });

  test('gradients equal central differences and are finite at zero weights', () => {
    const weights = tf.tidy(() => tf.add(tf.div(testTensor([4, 3], 3), 4), 0.5));
    expectGradient((w) => loadBalance(w as tf.Tensor2D), [weights]);
    expectGradient((w) => entropy(w as tf.Tensor2D), [weights]);
    for (const f of [loadBalance, entropy]) {
      const gradient = tf.grad((w) => f(w as tf.Tensor2D) as tf.Tensor)(tf.tensor2d([1, 0, 1, 0], [2, 2]));
      expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
    }
  });

  test('each keeps one tensor', () => {
    const weights = oneHot();
    expectLive(() => loadBalance(weights), 1);
    expectLive(() => entropy(weights), 1);
  });
});

describe('routeStats', () => {
  test('averages the rows of each bin of t, with t = 1 in the last', () => {
    const weights = tf.tensor2d([0.2, 0.8, 0.4, 0.6, 1, 0, 0.5, 0.5], [4, 2]);
    const t = tf.tensor1d([0, 0.24, 0.5, 1]);
    const { mean, count } = expectLive(() => routeStats(weights, t, 4), 2);
    expectClose(count, { shape: [4], data: [2, 0, 1, 1] });
    expectClose(mean, { shape: [4, 2], data: [0.3, 0.7, 0, 0, 1, 0, 0.5, 0.5] });
  });

  test('has ten bins unless told', () => {
    const { mean, count } = routeStats(fixedRoute('uniform', times(), 3), times());
    expect([mean.shape, count.shape]).toEqual([[10, 3], [10]]);
  });
});
