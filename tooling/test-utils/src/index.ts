/** Shared test helpers: tensor comparison, live-tensor counts, gradient checks, golden files. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Tolerances: |actual - expected| <= atol + rtol * |expected|. */
export interface Tolerance {
  readonly atol?: number;
  readonly rtol?: number;
}

/** A tensor in a golden file. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Parses a golden JSON file beside the test; `url` is `import.meta.url`. */
export function readGolden<T>(url: string, name: string): T {
  return JSON.parse(readFileSync(new URL(`./golden/${name}`, url), 'utf8')) as T;
}

/** A new temporary folder. */
export const temporary = (): string => mkdtempSync(join(tmpdir(), 'ahpa-'));

/** SHA-256 of bytes, in hexadecimal. */
export function sha256(bytes: NodeJS.TypedArray): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A golden tensor on the current backend. */
export function fromGolden<T extends tf.Tensor = tf.Tensor>(
  golden: GoldenTensor,
  dtype: tf.DataType = 'float32',
): T {
  return tf.tensor(golden.data as number[], golden.shape as number[], dtype) as T;
}

/** Fails with the worst element's index, both values and the shapes when two tensors differ. */
export function expectClose(
  actual: tf.Tensor,
  expected: tf.Tensor | GoldenTensor,
  tolerance: Tolerance = {},
): void {
  const { atol = 1e-5, rtol = 1e-4 } = tolerance;
  expect(actual.shape).toEqual([...expected.shape]);
  const got = actual.dataSync();
  const want = expected instanceof tf.Tensor ? expected.dataSync() : expected.data;
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] as number) - (want[i] as number));
    const over = difference - (atol + rtol * Math.abs(want[i] as number));
    if (over > excess || Number.isNaN(difference)) {
      worst = i;
      excess = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : over;
    }
  }
  if (worst >= 0) {
    throw new Error(
      `tensors of shape [${actual.shape}] differ most at flat index ${worst}: got ${got[worst]}, wanted ${want[worst]} (atol ${atol}, rtol ${rtol})`,
    );
  }
}

/** Runs `fn` and fails unless it leaves exactly `count` more live tensors than before. */
export function expectLive<T>(fn: () => T, count: number): T {
  const before = tf.memory().numTensors;
  const result = fn();
  expect(tf.memory().numTensors - before).toBe(count);
  return result;
}

/**
 * Compares the gradients of scalar `f` with central differences at up to ten seeded coordinates of every input.
 * Inputs should be O(1): float32 leaves about three digits.
 */
export function expectGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  { step = 1e-2, rtol = 2e-2, atol = 2e-3 }: { step?: number; rtol?: number; atol?: number } = {},
): void {
  const scalar = (...xs: tf.Tensor[]): tf.Scalar => tf.tidy(() => tf.sum(f(...xs)) as tf.Scalar);
  const gradients = tf.grads(scalar)(inputs as tf.Tensor[]);
  inputs.forEach((input, position) => {
    const analytic = (gradients[position] as tf.Tensor).dataSync();
    const values = input.dataSync();
    const count = Math.min(10, values.length);
    for (let k = 0; k < count; k++) {
      const index = (k * 7919 + 13) % values.length;
      const at = (delta: number): number =>
        tf.tidy(() => {
          const moved = Float32Array.from(values);
          moved[index] = (moved[index] as number) + delta;
          const replaced = inputs.map((x, i) => (i === position ? tf.tensor(moved, input.shape) : x));
          return scalar(...(replaced as tf.Tensor[])).dataSync()[0] as number;
        });
      const numeric = (at(step) - at(-step)) / (2 * step);
      const got = analytic[index] as number;
      if (!(Math.abs(got - numeric) <= atol + rtol * Math.abs(numeric))) {
        throw new Error(
          `gradient of input ${position} at ${index}: got ${got}, central difference ${numeric}`,
        );
      }
    }
  });
  tf.dispose(gradients);
}

/** Deterministic pseudo-random numbers in [-1, 1) for tests (a linear congruential generator). */
export function testValues(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A deterministic tensor with values in [-1, 1). */
export function testTensor(shape: readonly number[], seed = 1): tf.Tensor {
  return tf.tensor(
    testValues(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape as number[],
  );
}
