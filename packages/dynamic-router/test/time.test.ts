import { timeBins } from '@ahpa/ops';
import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initRouter, oneHotRoute, routeTime, sigmoidRoute } from '../src/index.ts';
import { config, route, testRng } from './helpers.ts';

describe('routeTime', () => {
  const centres = (): tf.Tensor1D => tf.div(tf.add(tf.range(0, 32), 0.5), 32) as tf.Tensor1D;

  test('reversed looks from the other end', () => {
    expectClose(routeTime('reversed', tf.tensor1d([0, 0.3, 1])), tf.tensor1d([1, 0.7, 0]));
    expectClose(routeTime('as-is', tf.tensor1d([0.3])), tf.tensor1d([0.3]), { atol: 0 });
  });

  test('shuffled visits every bin once, in an order of the seed alone', () => {
    const t = centres();
    const shuffled = expectLive(() => routeTime('shuffled', t, 3), 1);
    expectClose(tf.sum(timeBins(shuffled, 32), 0), tf.ones([32]), { atol: 0 });
    expectClose(routeTime('shuffled', t, 3), shuffled, { atol: 0 });
    const moved = (other: tf.Tensor): number =>
      [...other.dataSync()].filter((x, i) => x !== t.dataSync()[i]).length;
    expect(moved(shuffled)).toBeGreaterThan(20);
    expect([...routeTime('shuffled', t, 4).dataSync()]).not.toEqual([...shuffled.dataSync()]);
  });

  test('keeps t = 1 in one bin with its neighbours', () => {
    const [end, before] = routeTime('shuffled', tf.tensor1d([1, 0.99]), 1).dataSync();
    expect(Math.floor(32 * (end as number))).toBe(Math.floor(32 * (before as number)));
  });
});

test('one-hot and sigmoid routes', () => {
  const t = tf.tensor1d([0, 0.5, 1]);
  expectClose(oneHotRoute(1, t, 3), tf.tensor2d([0, 1, 0, 0, 1, 0, 0, 1, 0], [3, 3]), { atol: 0 });
  const low = 1 / (1 + Math.exp(5));
  expectClose(sigmoidRoute(10, 0.5, t, 2), tf.tensor2d([1 - low, low, 0.5, 0.5, low, 1 - low], [3, 2]));
});

describe('a router of tokens', () => {
  const perToken = { ...config, tokenWidth: 5 };
  const tokens = (): tf.Tensor3D => testTensor([2, 4, 5], 3) as tf.Tensor3D;
  const t = (): tf.Tensor1D => tf.tensor1d([0.2, 0.8]);
  /** A fresh router with a last layer that is not zero. */
  const moved = () => {
    const params = initRouter(perToken, testRng);
    const last = { weight: testTensor([3, 8], 9) as tf.Tensor2D, bias: tf.zeros([3]) as tf.Tensor1D };
    return { net: { ...params.net, 6: last } };
  };

  test('starts even and gives every token its own row', () => {
    expectClose(
      route(initRouter(perToken, testRng), t(), perToken, { tokens: tokens() }),
      tf.fill([2, 4, 3], 1 / 3),
    );
    const weights = route(moved(), t(), perToken, { tokens: tokens() }) as tf.Tensor3D;
    expectClose(tf.sum(weights, -1), tf.ones([2, 4]));
    const [first, second] = tf.unstack(tf.unstack(weights)[0] as tf.Tensor2D) as [tf.Tensor, tf.Tensor];
    expect(tf.max(tf.abs(tf.sub(first, second))).dataSync()[0]).toBeGreaterThan(1e-3);
  });

  test('sends no gradient into the tokens and is finite for zero ones', () => {
    const params = moved();
    const f = (x: tf.Tensor): tf.Tensor => route(params, t(), perToken, { tokens: x as tf.Tensor3D });
    expectClose(tf.grad(f)(tokens()), tf.zeros([2, 4, 5]), { atol: 0 });
    expect([...f(tf.zeros([2, 4, 5])).dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('asks for the tokens that it is of', () => {
    expect(() => route(moved(), t(), perToken)).toThrow(/tokens have shape \[none\], wanted \[B, T, 5\]/);
  });
});

test('a temperature that changes follows the step', () => {
  const cooling = { ...config, temperature: { from: 5, to: 0.5, steps: 10 } };
  const params = initRouter(cooling, testRng);
  const last = { weight: testTensor([3, 8], 9) as tf.Tensor2D, bias: tf.zeros([3]) as tf.Tensor1D };
  const moved = { net: { ...params.net, 6: last } };
  const at = (step: number) => route(moved, tf.tensor1d([0.4]), cooling, { step: tf.scalar(step, 'int32') });
  for (const [step, temperature] of [
    [0, 5],
    [5, 2.75],
    [99, 0.5],
  ] as const) {
    expectClose(at(step), route(moved, tf.tensor1d([0.4]), { ...config, temperature }));
  }
  expect(() => route(moved, tf.tensor1d([0.4]), cooling)).toThrow(/pass inputs.step/);
});
