import {
  expectClose,
  expectGradient,
  expectLive,
  type GoldenTensor,
  readGolden,
  testTensor,
} from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { cosineDistance, smoothL1 } from '../src/index.ts';
import { tokens } from './helpers.ts';

type Golden = Record<'cosine' | 'smoothL1', { value: GoldenTensor; dProjected: GoldenTensor }>;
const golden = readGolden<Golden>(import.meta.url, 'distances.json');
const shape = [3, 4, 5] as const;
const finite = (x: tf.Tensor): boolean => [...x.dataSync()].every(Number.isFinite);

describe('cosineDistance', () => {
  const gradientOf = (projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor =>
    tf.grad((p) => cosineDistance(p as tf.Tensor3D, target))(projected);

  test('value and gradient equal PyTorch', () => {
    const target = tokens(shape, 2);
    expectClose(cosineDistance(tokens(shape, 1), target), golden.cosine.value);
    const gradient = tf.grad((p) => tf.mul(cosineDistance(p as tf.Tensor3D, target), testTensor([3], 8)))(
      tokens(shape, 1),
    );
    expectClose(gradient, golden.cosine.dProjected, { atol: 1e-6 });
    expectGradient((p) => tf.square(cosineDistance(p as tf.Tensor3D, target)), [tokens(shape, 1)]);
  });

  test('is 0 for a scaled copy, 2 for its opposite, 1 for orthogonal tokens', () => {
    const x = tokens(shape, 1);
    expectClose(cosineDistance(tf.mul(x, 3), x), tf.zeros([3]), { atol: 1e-6 });
    expectClose(cosineDistance(tf.mul(x, -0.5), x), tf.fill([3], 2));
    const [right, up] = [tf.tensor3d([1, 0], [1, 1, 2]), tf.tensor3d([0, 1], [1, 1, 2])];
    expectClose(cosineDistance(right, up), tf.ones([1]));
  });

  test.each([
    ['zeros', 0],
    ['norms near 1e-8', 1e-8],
    ['large values', 1e6],
  ])('is finite with a finite gradient for %s on either side', (_, factor) => {
    const [odd, x] = [tf.mul(tokens(shape, 1), factor) as tf.Tensor3D, tokens(shape, 2)];
    for (const [projected, target] of [
      [odd, x],
      [x, odd],
      [odd, odd],
    ] as const) {
      expect(finite(cosineDistance(projected, target))).toBe(true);
      expect(finite(gradientOf(projected, target))).toBe(true);
    }
  });

  test('constant tokens are finite', () => {
    const constant = tf.fill([...shape], 2) as tf.Tensor3D;
    expectClose(cosineDistance(constant, constant), tf.zeros([3]), { atol: 1e-6 });
    expectClose(gradientOf(constant, constant), tf.zeros([...shape]), { atol: 1e-6 });
  });
});

describe('smoothL1', () => {
  test('value and gradient equal PyTorch on both sides of beta', () => {
    const projected = tokens(shape, 1);
    const target = tf.add(projected, tf.mul(tokens(shape, 3), 0.1)) as tf.Tensor3D;
    expectClose(smoothL1(projected, target), golden.smoothL1.value);
    const gradient = tf.grad((p) => tf.mul(smoothL1(p as tf.Tensor3D, target), testTensor([3], 8)))(
      projected,
    );
    expectClose(gradient, golden.smoothL1.dProjected, { atol: 1e-6 });
  });

  test('with a wide beta equals central differences', () => {
    const target = tokens(shape, 2);
    expectGradient((p) => smoothL1(p as tf.Tensor3D, target, 0.7), [tokens(shape, 1)]);
  });

  test('is zero with zero gradient at the target', () => {
    const x = tokens(shape, 1);
    expectClose(smoothL1(x, x), tf.zeros([3]), { atol: 0 });
    expectClose(tf.grad((p) => smoothL1(p as tf.Tensor3D, x))(x), tf.zeros([...shape]), { atol: 0 });
  });
});

describe('both', () => {
  test('keep one tensor, and one gradient even when the target is built inside', () => {
    const [projected, target] = [tokens(shape, 1), tokens(shape, 2)];
    for (const distance of [cosineDistance, smoothL1]) {
      expectLive(() => distance(projected, target), 1);
      expectLive(() => tf.grad((p) => distance(p as tf.Tensor3D, tf.mul(target, 2)))(projected), 1);
    }
  });

  test('refuse different shapes', () => {
    for (const distance of [cosineDistance, smoothL1]) {
      expect(() => distance(tokens(shape, 1), tokens([3, 4, 6], 2))).toThrow(
        /projected has shape \[3,4,5\], wanted the target's \[3,4,6\]/,
      );
    }
  });
});
