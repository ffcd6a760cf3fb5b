/** Second moments over tokens: all that linear readouts need of data, added up batch by batch. */
import { Matrix } from 'ml-matrix';

/** Sums over tokens: `xx [1 + D, 1 + D]` of [1, x] with itself, `xy [1 + D, 1 + W]` of [1, x] with [1, y]. */
export type Moments = { readonly xx: Matrix; readonly xy: Matrix };

/** The same of three disjoint sets of images: to fit on, to choose settings by, and to measure with. */
export type Split<T> = { readonly fit: T; readonly dev: T; readonly evaluation: T };

/** Number of tokens behind moments. */
export const tokenCount = ({ xx }: Pick<Moments, 'xx'>): number => xx.get(0, 0);

/** Covariance `[W, W]` and mean of columns `[start, end)` of a second moment of [1, y]. */
export function covariance(yy: Matrix, start: number, end: number): { mean: number[]; covariance: Matrix } {
  const count = yy.get(0, 0);
  const mean = yy.subMatrix(0, 0, start, end - 1).div(count);
  const second = yy.subMatrix(start, end - 1, start, end - 1).div(count);
  return { mean: mean.getRow(0), covariance: second.sub(mean.transpose().mmul(mean)) };
}

/** Sum over all columns of the products a_ij b_ij: the trace of aᵀ b. */
export function traceOfProduct(a: Matrix, b: Matrix): number {
  return Matrix.mul(a, b).sum();
}
