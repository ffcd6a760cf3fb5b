/**
 * Sampling error of the Frechet distance from the choice of images: bootstrap over images, the
 * reference held fixed. Resampling adds a bias of its own, so intervals are those of the deviations from its mean.
 */
import type { FeatureMatrix, LinearAlgebra, Matrix } from './algebra.ts';
import { checkFeatures, toMatrix } from './features.ts';
import { frechetDistance, type Reference } from './frechet.ts';
import { type Draw, resamples } from './random.ts';
import { addOuter, centred, columnMeans, type Gaussian } from './statistics.ts';

/** Number of resamples, and their random draw. */
export interface BootstrapOptions {
  readonly repeats?: number;
  readonly draw?: Draw;
}

/** A distance with the 95 % confidence interval of its expectation. */
export interface Interval {
  readonly value: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  readonly repeats: number;
}

/** A difference of distances with its p-value. */
export interface PairedTest extends Interval {
  /** Two-sided. */
  readonly pValue: number;
}

interface Deviations {
  readonly mean: Float64Array;
  readonly rows: Matrix;
}

function deviationsOf(features: FeatureMatrix): Deviations {
  checkFeatures(features, 'Features');
  const matrix = toMatrix(features);
  const mean = columnMeans(matrix);
  return { mean, rows: centred(matrix, mean) };
}

/** The Gaussian of the rows `drawn`, each taken as often as it occurs. */
function resampled({ mean, rows }: Deviations, drawn: Int32Array, algebra: LinearAlgebra): Gaussian {
  const { columns, data } = rows;
  const n = drawn.length;
  const counts = new Map<number, number>();
  for (const row of drawn) counts.set(row, (counts.get(row) ?? 0) + 1);
  const scaled = new Float64Array(counts.size * columns);
  const shift = new Float64Array(columns);
  let at = 0;
  for (const [row, count] of counts) {
    const weight = Math.sqrt(count);
    for (let j = 0; j < columns; j++) {
      const value = data[row * columns + j] as number;
      scaled[at++] = weight * value;
      shift[j] = (shift[j] as number) + (count * value) / n;
    }
  }
  const part = { rows: counts.size, columns, data: scaled };
  const scatter = algebra.multiply(part, part, 'a');
  addOuter(scatter, shift, -n);
  const covariance = { ...scatter, data: scatter.data.map((value) => value / (n - 1)) };
  return { mean: mean.map((value, j) => value + (shift[j] as number)), covariance };
}

/** The interval about `value` from resampled values. */
function intervalOf(value: number, resampledValues: readonly number[]): Interval {
  const repeats = resampledValues.length;
  const mean = resampledValues.reduce((a, b) => a + b, 0) / repeats;
  const deviations = resampledValues.map((one) => one - mean).sort((a, b) => a - b);
  const quantile = (q: number): number => {
    const at = q * (repeats - 1);
    const [low, high] = [deviations[Math.floor(at)] as number, deviations[Math.ceil(at)] as number];
    return low + (at - Math.floor(at)) * (high - low);
  };
  const variance = deviations.reduce((sum, one) => sum + one * one, 0) / (repeats - 1);
  const [low, high] = [value + quantile(0.025), value + quantile(0.975)];
  return { value, standardError: Math.sqrt(variance), low, high, repeats };
}

const everyRow = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);

/** The Frechet distance of `features` with its confidence interval. */
export function bootstrapDistance(
  reference: Reference,
  features: FeatureMatrix,
  algebra: LinearAlgebra,
  { repeats = 100, draw = resamples(0) }: BootstrapOptions = {},
): Interval {
  const deviations = deviationsOf(features);
  const distance = (drawn: Int32Array): number =>
    frechetDistance(reference, resampled(deviations, drawn, algebra), algebra);
  const { rows: n } = features;
  const value = distance(everyRow(n));
  return intervalOf(
    value,
    Array.from({ length: repeats }, () => distance(draw(n, n))),
  );
}

/**
 * Paired bootstrap test of two runs: distance of `a` minus distance of `b`. Row i of both must come from the same noise and label;
 * both are resampled together, so what they share cancels.
 */
export function pairedTest(
  reference: Reference,
  a: FeatureMatrix,
  b: FeatureMatrix,
  algebra: LinearAlgebra,
  { repeats = 200, draw = resamples(0) }: BootstrapOptions = {},
): PairedTest {
  if (a.rows !== b.rows)
    throw new Error(`A paired test needs as many images on both sides, got ${a.rows} and ${b.rows}.`);
  const sides = [deviationsOf(a), deviationsOf(b)] as const;
  const difference = (drawn: Int32Array): number => {
    const [first, second] = sides.map((side) =>
      frechetDistance(reference, resampled(side, drawn, algebra), algebra),
    ) as [number, number];
    return first - second;
  };
  const value = difference(everyRow(a.rows));
  const values = Array.from({ length: repeats }, () => difference(draw(a.rows, a.rows)));
  const mean = values.reduce((sum, one) => sum + one, 0) / repeats;
  const extreme = values.filter((one) => Math.abs(one - mean) >= Math.abs(value)).length;
  return { ...intervalOf(value, values), pValue: (extreme + 1) / (repeats + 1) };
}
