import type { Rng } from '@ahpa/ports';
import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { type SampleConfig, sample, sampleNoise, type VelocityFn } from '../src/index.ts';
import { seedOf } from './helpers.ts';

/** A counter-based generator: a value depends on stream, step and element. */
const rng: Rng = {
  normal: (shape, stream, step) =>
    testTensor(shape, seedOf(`${stream}:${step === undefined ? 0 : step.dataSync()[0]}`)),
  uniform: (shape) => tf.zeros(shape as number[]),
};
const velocity: VelocityFn = (x, t, y) =>
  tf.tidy(() =>
    tf.sub(
      tf.mul(x, tf.reshape(tf.cast(y, 'float32'), [-1, 1, 1, 1])),
      tf.square(tf.reshape(t, [-1, 1, 1, 1])),
    ),
  );

test('a row depends on its own index alone', () => {
  const all = expectLive(() => sampleNoise(rng, [0, 1, 2, 7], [2, 3], 'noise'), 1);
  expect(all.shape).toEqual([4, 2, 3]);
  expectClose(sampleNoise(rng, [7, 1], [2, 3], 'noise'), tf.gather(all, [3, 1]), { atol: 0, rtol: 0 });
});

test('steps, streams and indices give different numbers', () => {
  const first = (noise: tf.Tensor): number => noise.dataSync()[0] as number;
  const seen = [
    first(sampleNoise(rng, [0], [1], 'noise')),
    first(sampleNoise(rng, [1], [1], 'noise')),
    first(sampleNoise(rng, [0], [1], 'noise', 1)),
    first(sampleNoise(rng, [0], [1], 'sde')),
  ];
  expect(new Set(seen).size).toBe(4);
});

test.each([-1, 0.5, 2 ** 31, Number.NaN])('index %f is refused', (index) => {
  expect(() => sampleNoise(rng, [0, index], [1], 'noise')).toThrow(/sampleNoise: index .* is not a whole/);
});

test.each(['euler', 'heun', 'sde'] as const)('%s draws a sample alike in any batch', (sampler) => {
  const config: SampleConfig = {
    sampler,
    steps: 4,
    guidance: 1.5,
    guidanceInterval: [0.2, 0.8],
    path: 'linear',
    nullClass: 9,
  };
  const draw = (indices: readonly number[]): tf.Tensor => {
    const normal = (stream: string, step?: number): tf.Tensor =>
      sampleNoise(rng, indices, [2, 2, 1], stream, step);
    const y = tf.tensor1d(
      indices.map((index) => index % 3),
      'int32',
    );
    const tools = { stepNoise: (step: number) => normal('sde', step) };
    return sample(velocity, normal('noise') as tf.Tensor4D, y, config, tools);
  };
  const alone = [4, 0, 3, 1, 2].map((index) => draw([index]));
  const split = [draw([4, 0]), draw([3]), draw([1, 2])];
  expectClose(tf.concat(split), tf.concat(alone), { atol: 0, rtol: 0 });
  expectClose(draw([4, 0, 3, 1, 2]), tf.concat(alone), { atol: 0, rtol: 0 });
});
