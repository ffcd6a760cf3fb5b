/**
 * Mean and covariance in float64, a part of the features at a time; parts and shards add up exactly.
 * Parts are merged as Chan, Golub and LeVeque do: S = S1 + S2 + d d^T n1 n2 / (n1 + n2), d = mean2 - mean1.
 */
import type { FeatureMatrix, LinearAlgebra, Matrix } from './algebra.ts';
import { checkFeatures, sliceRows, toMatrix } from './features.ts';

/** Count, mean and scatter matrix (covariance times n - 1) of features. */
export interface Statistics {
  readonly n: number;
  readonly mean: Float64Array;
  readonly scatter: Matrix;
}

/** A Gaussian in feature space. */
export interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

const PART = 2048;

const square = (size: number): Matrix => ({
  rows: size,
  columns: size,
  data: new Float64Array(size * size),
});

/** Statistics of no features. */
export const emptyStatistics = (dimensions: number): Statistics => ({
  n: 0,
  mean: new Float64Array(dimensions),
  scatter: square(dimensions),
});

/** Mean of the columns. */
export function columnMeans({ rows, columns, data }: Matrix | FeatureMatrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + (data[i * columns + j] as number);
  return mean.map((sum) => sum / rows);
}

/** The matrix with `mean` taken from every row. */
export function centred({ rows, columns, data }: Matrix, mean: Float64Array): Matrix {
  const result = new Float64Array(data);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      result[i * columns + j] = (result[i * columns + j] as number) - (mean[j] as number);
  return { rows, columns, data: result };
}

/** Adds `weight` times the outer product of `vector` with itself to a square matrix, in place. */
export function addOuter({ data }: Matrix, vector: Float64Array, weight: number): void {
  const size = vector.length;
  for (let i = 0; i < size; i++) {
    const scaled = weight * (vector[i] as number);
    for (let j = 0; j < size; j++)
      data[i * size + j] = (data[i * size + j] as number) + scaled * (vector[j] as number);
  }
}

/** The statistics of two disjoint sets of features together. */
export function mergeStatistics(a: Statistics, b: Statistics): Statistics {
  if (a.mean.length !== b.mean.length)
    throw new Error(`Statistics of ${a.mean.length} and of ${b.mean.length} dimensions do not add up.`);
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const delta = a.mean.map((value, i) => (b.mean[i] as number) - value);
  const data = a.scatter.data.map((value, i) => value + (b.scatter.data[i] as number));
  const scatter = { ...a.scatter, data };
  addOuter(scatter, delta, (a.n * b.n) / n);
  return { n, mean: a.mean.map((value, i) => value + ((delta[i] as number) * b.n) / n), scatter };
}

function statisticsOf(part: FeatureMatrix, algebra: LinearAlgebra): Statistics {
  const matrix = toMatrix(part);
  const mean = columnMeans(matrix);
  const deviations = centred(matrix, mean);
  return { n: part.rows, mean, scatter: algebra.multiply(deviations, deviations, 'a') };
}

/** The statistics with `features` `[n, d]` added. Throws where one is not finite. */
export function addFeatures(
  statistics: Statistics,
  features: FeatureMatrix,
  algebra: LinearAlgebra,
): Statistics {
  checkFeatures(features, 'Features');
  let sum = statistics;
  for (let start = 0; start < features.rows; start += PART) {
    const part = sliceRows(features, start, Math.min(start + PART, features.rows));
    sum = mergeStatistics(sum, statisticsOf(part, algebra));
  }
  return sum;
}

/** The Gaussian of features, its covariance unbiased (divided by n - 1), as NumPy's `cov`. */
export function gaussianOf({ n, mean, scatter }: Statistics): Gaussian {
  if (n < 2) throw new Error(`A covariance needs at least 2 images, got ${n}.`);
  return { mean, covariance: { ...scatter, data: scatter.data.map((value) => value / (n - 1)) } };
}
