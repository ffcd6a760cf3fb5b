/** Counts of values in named tensors. */
import type { TensorEntry } from '@ahpa/weight-files';

/** The number of values of a shape. */
export const countValues = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** The number of values of all tensors together. */
export const countParameters = (tensors: Readonly<Record<string, TensorEntry>>): number =>
  Object.values(tensors).reduce((sum, { shape }) => sum + countValues(shape), 0);
