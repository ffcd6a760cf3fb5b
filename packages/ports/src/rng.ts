/** Random numbers. */
import type { Tensor } from '@tensorflow/tfjs-core';

/** Counter-based random numbers: a value depends only on (seed, stream, step, element index). An absent step is 0. */
export interface Rng {
  /** Standard normal numbers, float32. `step` is an int32 scalar. */
  normal(shape: readonly number[], stream: string, step?: Tensor): Tensor;
  /** Uniform numbers in [0, 1), float32. `step` is an int32 scalar. */
  uniform(shape: readonly number[], stream: string, step?: Tensor): Tensor;
}
