/** Second moments over tokens, added up batch by batch: sufficient statistics of linear readouts. */
import { Matrix } from 'ml-matrix';

/** Sums over tokens: `xx [1 + D, 1 + D]` of [1, x] with itself, `xy [1 + D, 1 + W]` of [1, x] with [1, y]. */
export type Moments = { readonly xx: Matrix; readonly xy: Matrix };

/** Values of three disjoint sets of images: for fitting, model selection and evaluation. */
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
