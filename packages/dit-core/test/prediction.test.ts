import type { Path } from '@ahpa/ports';
import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { coefficients, interpolate, predictions, velocityFrom } from '../src/index.ts';

describe.each<Path>(['linear', 'cosine'])('%s path', (path) => {
  const rounds = Array.from({ length: 20 }, (_, round) => round);
  const drawn = (round: number) => {
    const [x0, noise] = [testTensor([3, 2, 2, 2], 2 * round + 1), testTensor([3, 2, 2, 2], 2 * round + 2)];
    const t = tf.add(tf.mul(testTensor([3], 100 + round), 0.45), 0.5) as tf.Tensor1D; // in [0.05, 0.95]
    return { x0: x0 as tf.Tensor4D, noise: noise as tf.Tensor4D, t };
  };

  test('a velocity gives back the data and the noise it was made of', () => {
    for (const { x0, noise, t } of rounds.map(drawn)) {
      const { xt, velocity } = interpolate(path, x0, noise, t);
      const found = predictions(path, xt, velocity, t);
      expectClose(found.x0, x0, { atol: 2e-6 });
      expectClose(found.noise, noise, { atol: 2e-6 });
      const sigma = tf.reshape(coefficients(path, t).sigma, [-1, 1, 1, 1]);
      expectClose(tf.mul(found.score, sigma), tf.neg(noise), { atol: 2e-6 });
    }
  });

  test.each(['x0', 'noise', 'score'] as const)('the velocity from %s is the velocity', (kind) => {
    for (const { x0, noise, t } of rounds.map(drawn)) {
      const { xt, velocity } = interpolate(path, x0, noise, t);
      const value = predictions(path, xt, velocity, t)[kind];
      expectClose(velocityFrom(path, kind, value, xt, t), velocity, { atol: 3e-5 });
    }
  });

  test('the score of Gaussian data is that of its marginal', () => {
    // x0 ~ N(0, s^2): x_t ~ N(0, alpha^2 s^2 + sigma^2), and the velocity is linear in x_t.
    const s = 0.6;
    const { t, x0: xt } = drawn(3);
    const { alpha, sigma, dAlpha, dSigma } = coefficients(path, t);
    const power = tf.add(tf.mul(tf.square(alpha), s * s), tf.square(sigma));
    const slope = tf.div(tf.add(tf.mul(tf.mul(dAlpha, alpha), s * s), tf.mul(dSigma, sigma)), power);
    const column = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [-1, 1, 1, 1]);
    const { score } = predictions(path, xt, tf.mul(xt, column(slope)), t);
    expectClose(score, tf.neg(tf.div(xt, column(power))), { atol: 2e-5 });
  });

  test('keeps exactly what it returns, and is finite at both ends but for the score at t = 0', () => {
    const { x0, noise } = drawn(1);
    const t = tf.tensor1d([0, 0.5, 1]);
    const found = expectLive(() => predictions(path, x0, noise, t), 3);
    for (const tensor of [found.x0, found.noise]) {
      expect([...tensor.dataSync()].every(Number.isFinite)).toBe(true);
    }
    expectLive(() => velocityFrom(path, 'noise', x0, noise, t), 1);
  });
});
