/** The weights, images and summaries of scripts/golden/vae-hierarchy.py. */
import { expectClose } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import type { StateTensor } from '../src/index.ts';

/** A strided subset of a tensor, with its sums. */
export interface Summary {
  readonly shape: readonly number[];
  readonly sum: number;
  readonly absSum: number;
  readonly stride: number;
  readonly values: readonly number[];
}

function phase(key: string): number {
  return [...key].reduce((value, char) => (value * 31 + char.charCodeAt(0)) % 1009, 0);
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function formulaWeight(key: string, shape: readonly number[], gain: number): StateTensor {
  const norm = key.includes('norm') && key.endsWith('weight') ? 1 : 0;
  const scale = shape.length === 1 ? 0.1 : gain / Math.sqrt(size(shape.slice(1)));
  const data = Float32Array.from(
    { length: size(shape) },
    (_, i) => norm + scale * Math.sin(phase(key) + 0.7 * i),
  );
  return { shape, data };
}

/** A state dict in PyTorch layout. */
export function formulaState(
  shapes: Readonly<Record<string, readonly number[]>>,
  gain = 1.2,
): Record<string, StateTensor> {
  return Object.fromEntries(
    Object.entries(shapes).map(([key, shape]) => [key, formulaWeight(key, shape, gain)]),
  );
}

/** Images `[batch, height, width, 3]` in [-1, 1]. */
export function formulaImage(batch: number, height: number, width: number): tf.Tensor4D {
  const data = Float32Array.from({ length: batch * height * width * 3 }, (_, i) => Math.sin(0.37 * i));
  return tf.tensor4d(data, [batch, height, width, 3]);
}

/** Compares a tensor with a summary. */
export function expectSummary(actual: tf.Tensor, summary: Summary, atol = 1e-4): void {
  const values = actual.dataSync<'float32'>();
  const subset = values.filter((_, i) => i % summary.stride === 0);
  expectClose(tf.tensor(actual.shape), { shape: [actual.rank], data: summary.shape });
  expectClose(
    tf.tensor1d(subset),
    { shape: [summary.values.length], data: summary.values },
    { atol, rtol: 1e-4 },
  );
  const sums = [values.reduce((a, b) => a + b, 0), values.reduce((a, b) => a + Math.abs(b), 0)];
  expectClose(
    tf.tensor1d(sums),
    { shape: [2], data: [summary.sum, summary.absSum] },
    { atol: atol * 10, rtol: 1e-4 },
  );
}
