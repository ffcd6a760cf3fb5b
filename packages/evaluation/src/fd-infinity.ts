/**
 * FD-infinity (Chong and Forsyth 2020): the Frechet distance is biased by about c / n, so distances at several n are
 * fitted with a line in 1 / n, whose value at 1 / n = 0 is reported.
 */
import type { FeatureMatrix, LinearAlgebra } from './algebra.ts';
import { pickRows } from './features.ts';
import { frechetDistance, type Reference } from './frechet.ts';
import { type Draw, subsets } from './random.ts';
import { addFeatures, emptyStatistics, gaussianOf } from './statistics.ts';

/** The value without bias, and the points of the fit. */
export interface ExtrapolatedDistance {
  readonly value: number;
  readonly sizes: readonly number[];
  readonly distances: readonly number[];
}

const POINTS = 15;

/** Value at x = 0 of the least-squares line. */
function intercept(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] as number) - my), 0);
  const variance = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return my - (covariance / variance) * mx;
}

/** Sizes from a tenth of n to n, evenly spaced. */
export const sizesFor = (n: number): number[] =>
  Array.from({ length: POINTS }, (_, k) => Math.floor(n / 10 + (k * (n - n / 10)) / (POINTS - 1)));

/** The Frechet distance that infinitely many images would have. */
export function extrapolatedDistance(
  reference: Reference,
  features: FeatureMatrix,
  algebra: LinearAlgebra,
  draw: Draw = subsets(0),
): ExtrapolatedDistance {
  const sizes = sizesFor(features.rows);
  const distances = sizes.map((size) => {
    const part = pickRows(features, draw(features.rows, size));
    const statistics = addFeatures(emptyStatistics(features.columns), part, algebra);
    return frechetDistance(reference, gaussianOf(statistics), algebra);
  });
  const value = intercept(
    sizes.map((size) => 1 / size),
    distances,
  );
  return { value, sizes, distances };
}
