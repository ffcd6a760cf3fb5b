/** Targets as affine maps of the levels: a whitened level, and its increment over the level below. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { covariance, type Split } from './moments.ts';
import { bestOnDev, PENALTIES, type ReadoutMoments, ridge } from './ridge.ts';

// Directions with less than this share of the largest variance are noise of float32 sums.
const RANK_TOLERANCE = 1e-7;
const VARIANCE_FLOOR = 0.1;

/** Columns `[start, end)` of a level in [1, y]. */
export type Columns = { readonly start: number; readonly end: number };

/** The map `T [1 + W, r]` to at most `rank` uncorrelated dimensions of variance 1 on the fit part, the strongest first. */
export function whiten(yy: Matrix, { start, end }: Columns, rank: number): Matrix {
  const { mean, covariance: spread } = covariance(yy, start, end);
  const { values, vectors } = sortedEigen(spread);
  const strongest = values[0] as number;
  const kept = values.filter((value, i) => i < rank && value > strongest * RANK_TOLERANCE).length;
  const map = Matrix.zeros(yy.rows, kept);
  for (let k = 0; k < kept; k++) {
    const scale = 1 / Math.sqrt(values[k] as number);
    mean.forEach((centre, i) => {
      const weight = vectors.get(i, k) * scale;
      map.set(start + i, k, weight);
      map.set(0, k, map.get(0, k) - centre * weight);
    });
  }
  return map;
}

/**
 * The map to the increment of a level: z - [1, below] W with W the reduced-rank ridge prediction whose rank and penalty do best on the dev
 * part; each dimension divided by its deviation (variance at least 0.1), and all by one factor that restores the total energy. RARE.
 */
export function increment(yy: Split<Matrix>, below: Matrix, own: Matrix): Matrix {
  const withOne = prependOne(below);
  const moments = (part: Matrix): ReadoutMoments => {
    const xy = withOne.transpose().mmul(part);
    return { xx: xy.mmul(withOne), xz: xy.mmul(own), energy: own.transpose().mmul(part).mmul(own).trace() };
  };
  const fit = moments(yy.fit);
  const candidates = PENALTIES.flatMap((penalty) => reducedRanks(fit, ridge(fit, penalty)));
  const residual = Matrix.sub(own, withOne.mmul(bestOnDev(moments(yy.dev), candidates)));
  const count = yy.fit.get(0, 0);
  const energies = Array.from({ length: residual.columns }, (_, k) => {
    const column = residual.subMatrix(0, residual.rows - 1, k, k);
    return column.transpose().mmul(yy.fit).mmul(column).get(0, 0) / count;
  });
  return residual.mulRowVector(residualScales(energies));
}

/** Factors for dimensions of these variances: over the deviation (variance at least 0.1), times one that restores the total energy. RARE. */
export function residualScales(variances: readonly number[]): number[] {
  const scales = variances.map((variance) => 1 / Math.sqrt(Math.max(variance, VARIANCE_FLOOR)));
  const before = variances.reduce((sum, variance) => sum + variance, 0);
  const after = variances.reduce((sum, variance, k) => sum + variance * (scales[k] as number) ** 2, 0);
  const restore = Math.sqrt(before / after);
  return scales.map((scale) => scale * restore);
}

/** Weights of a readout cut to a half, a quarter and an eighth of their rank along the fitted values' strongest directions, and whole. */
function reducedRanks({ xx }: ReadoutMoments, weights: Matrix): Matrix[] {
  const { mean, covariance: spread } = covariance(xx, 1, xx.rows);
  const slopes = weights.subMatrix(1, weights.rows - 1, 0, weights.columns - 1);
  const fitted = slopes.transpose().mmul(spread).mmul(slopes);
  const { vectors } = sortedEigen(fitted);
  const centre = Matrix.rowVector(mean);
  const shift = weights.subMatrix(0, 0, 0, weights.columns - 1).add(centre.mmul(slopes)); // mean of the fitted values
  const ranks = [1 / 8, 1 / 4, 1 / 2].map((share) => Math.max(1, Math.round(weights.columns * share)));
  const cut = ranks.map((rank) => {
    const directions = vectors.subMatrix(0, vectors.rows - 1, 0, rank - 1);
    const reduced = slopes.mmul(directions).mmul(directions.transpose());
    return stackRows(Matrix.sub(shift, centre.mmul(reduced)), reduced);
  });
  return [weights, ...cut];
}

/** Eigenvalues of a symmetric matrix, the largest first, with their vectors as columns. */
function sortedEigen(symmetric: Matrix): { readonly values: number[]; readonly vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues
    .map((_, i) => i)
    .sort((a, b) => (realEigenvalues[b] as number) - (realEigenvalues[a] as number));
  const rows = Array.from({ length: symmetric.rows }, (_, i) => i);
  return {
    values: order.map((i) => realEigenvalues[i] as number),
    vectors: eigenvectorMatrix.selection(rows, order),
  };
}

/** The map that gives 1 before what `map` gives. */
function prependOne(map: Matrix): Matrix {
  const one = Matrix.zeros(map.rows, 1);
  one.set(0, 0, 1);
  const wide = Matrix.zeros(map.rows, map.columns + 1);
  return wide.setSubMatrix(one, 0, 0).setSubMatrix(map, 0, 1);
}

function stackRows(above: Matrix, below: Matrix): Matrix {
  const stacked = Matrix.zeros(above.rows + below.rows, below.columns);
  return stacked.setSubMatrix(above, 0, 0).setSubMatrix(below, above.rows, 0);
}
