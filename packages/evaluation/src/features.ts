/** Checks of feature arrays, and parts of them. */
import type { FeatureMatrix, Matrix } from './algebra.ts';

/** Throws one sentence where features are not finite, or not of the form they claim. */
export function checkFeatures({ rows, columns, data }: FeatureMatrix, name: string): void {
  if (data.length !== rows * columns) {
    throw new Error(`${name}: ${data.length} values, wanted ${rows} rows of ${columns}.`);
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new Error(
      `${name}: feature ${bad % columns} of image ${Math.floor(bad / columns)} is ${data[bad]}, wanted finite numbers; no figure can be computed from it.`,
    );
  }
}

/** The rows `indices` of a feature array, in that order. */
export function pickRows(features: FeatureMatrix, indices: ArrayLike<number>): FeatureMatrix {
  const { columns } = features;
  const data = new Float32Array(indices.length * columns);
  for (let i = 0; i < indices.length; i++) {
    const start = (indices[i] as number) * columns;
    data.set(features.data.subarray(start, start + columns), i * columns);
  }
  return { rows: indices.length, columns, data };
}

/** Rows `start` to `end` of a feature array, without copying. */
export const sliceRows = ({ columns, data }: FeatureMatrix, start: number, end: number): FeatureMatrix => ({
  rows: end - start,
  columns,
  data: data.subarray(start * columns, end * columns),
});

/** The same numbers in float64. */
export const toMatrix = ({ rows, columns, data }: FeatureMatrix): Matrix => ({
  rows,
  columns,
  data: Float64Array.from(data),
});
