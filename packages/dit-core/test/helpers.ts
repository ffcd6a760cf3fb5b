/** A random-number port, parameter trees that the golden script can rebuild from their paths, and a check of hand-written gradients. */
import type { Rng } from '@ahpa/ports';
import { expectClose, expectGradient, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';

/** 32-bit FNV-1a. */
export function seedOf(name: string): number {
  let value = 0x811c9dc5;
  for (const character of name) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return value;
}

/** Numbers from the stream's name alone. */
export const testRng: Rng = {
  normal: (shape, stream) => tf.tidy(() => tf.mul(testTensor(shape, seedOf(stream)), Math.sqrt(3))),
  uniform: (shape, stream) => tf.tidy(() => tf.div(tf.add(testTensor(shape, seedOf(stream)), 1), 2)),
};

/** Dotted path and tensor of every leaf. */
export function leavesOf(tree: object, prefix = ''): [string, tf.Tensor][] {
  return Object.entries(tree).flatMap(([key, value]: [string, object]) =>
    value instanceof tf.Tensor
      ? [[prefix + key, value] as [string, tf.Tensor]]
      : leavesOf(value, `${prefix}${key}.`),
  );
}

/** The same tree with every leaf replaced. */
export function mapLeaves<T extends object>(
  tree: T,
  f: (path: string, leaf: tf.Tensor) => tf.Tensor,
  prefix = '',
): T {
  const visit = ([key, value]: [string, object]): [string, object] => [
    key,
    value instanceof tf.Tensor ? f(prefix + key, value) : mapLeaves(value, f, `${prefix}${key}.`),
  ];
  if (Array.isArray(tree)) return Object.entries(tree).map((entry) => visit(entry)[1]) as unknown as T;
  return Object.fromEntries(Object.entries(tree).map(visit)) as T;
}

/** The golden script's parameters: 0.1 u for vectors, u / sqrt(fan in) for the rest. */
export function fill<T extends object>(tree: T): T {
  return mapLeaves(tree, (path, { shape }) =>
    tf.tidy(() => {
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      return tf.mul(testTensor(shape, seedOf(path)), shape.length === 1 ? 0.1 : 1 / Math.sqrt(fanIn));
    }),
  );
}

/** Compares value and all gradients of an operation with those of the plain composition, under one random cotangent. */
export function expectSame(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  plain: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
): void {
  const out = operation(...inputs);
  expectClose(out, plain(...inputs), { atol: 1e-6, rtol: 1e-5 });
  const cotangent = testTensor(out.shape, 99);
  const mine = tf.grads((...xs) => operation(...xs))(inputs, cotangent);
  const theirs = tf.grads((...xs) => plain(...xs))(inputs, cotangent);
  mine.forEach((gradient, i) => {
    expectClose(gradient, theirs[i] as tf.Tensor, { atol: 2e-6, rtol: 2e-5 });
  });
  expectGradient((...xs) => tf.mul(operation(...xs), cotangent), inputs);
}
