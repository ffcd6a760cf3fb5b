/** Typed test tokens. */
import { testTensor } from '@ahpa/test-utils';
import type { Tensor3D } from '@tensorflow/tfjs-core';

/** Deterministic tokens [B, T, D] with values in [-1, 1). */
export function tokens(shape: readonly [number, number, number], seed: number): Tensor3D {
  return testTensor(shape, seed) as Tensor3D;
}
