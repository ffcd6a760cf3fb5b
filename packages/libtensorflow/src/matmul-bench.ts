/** Speed of matrix products on the active `tensorflow` backend. */
import * as tf from '@tensorflow/tfjs-core';
import { compile } from './compile.ts';
import { deviceState } from './device-state.ts';
import type { Precision } from './precision.ts';

/** Matrix sizes and repetitions of `matmulGflops`. */
export interface BenchOptions {
  /** Rows and columns of the square matrices. */
  readonly size: number;
  /** Products in one call, each of the previous result, so that host time is negligible. */
  readonly products: number;
  /** Such chains side by side, for a backend whose operations use only some of the threads. */
  readonly chains?: number;
  /** Calls that are timed; the median counts. */
  readonly calls: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** Speed of square matrix products in GFLOP/s, one multiplication and one addition counted as two operations. */
export function matmulGflops(precision: Precision, options: BenchOptions): number {
  const { size, products, calls, chains = 1 } = options;
  const matrices = tf.tidy(() => ({
    a: tf.truncatedNormal([size, size], 0, 1, 'float32', 1),
    b: tf.truncatedNormal([size, size], 0, size ** -0.5, 'float32', 2),
  }));
  const state = deviceState(matrices);
  tf.dispose(matrices);
  const multiply = compile(
    ({ a, b }: typeof matrices) => {
      const chain = (start: number): tf.Tensor => {
        let product: tf.Tensor = tf.mul(a, start);
        for (let i = 0; i < products; i++) product = tf.matMul(product, b);
        return tf.mean(product);
      };
      return { mean: tf.addN(Array.from({ length: chains }, (_, i) => chain(i + 1))) };
    },
    { precision, name: `matmul_${precision}` },
  );
  const time = (): number => {
    const begin = performance.now();
    const { mean } = multiply(state);
    mean.dataSync();
    mean.dispose();
    return performance.now() - begin;
  };
  time();
  const milliseconds = median(Array.from({ length: calls }, time));
  multiply.dispose();
  state.dispose();
  return (2 * size ** 3 * products * chains) / milliseconds / 1e6;
}
