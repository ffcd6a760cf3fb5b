/** Ridge readouts fitted, chosen and measured from second moments alone. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { type Moments, type Split, tokenCount, traceOfProduct } from './moments.ts';

/** Penalties that are tried, relative to the mean energy of a column of x. */
export const PENALTIES: readonly number[] = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1];

/** Moments of a readout of z: `xx [1 + D, 1 + D]`, `xz [1 + D, r]`, and the energy, the sum of |z|² over tokens. */
export type ReadoutMoments = { readonly xx: Matrix; readonly xz: Matrix; readonly energy: number };

/** Moments with targets z = [1, y] T of `T [1 + W, r]`, given the second moment `yy` of [1, y] over the same tokens. */
export function readoutMoments({ xx, xy }: Moments, yy: Matrix, target: Matrix): ReadoutMoments {
  return { xx, xz: xy.mmul(target), energy: traceOfProduct(target, yy.mmul(target)) };
}

/**
 * Weights `[1 + D, r]` with intercept: argmin sum |z - [1, x] W|² + penalty e |W without its intercept|², e the mean of sum x_i².
 * Where rounded float32 sums make the equations indefinite, as with fewer tokens than D, the penalty is raised tenfold until they
 * are definite.
 */
export function ridge({ xx, xz }: Pick<ReadoutMoments, 'xx' | 'xz'>, penalty: number): Matrix {
  const width = xx.rows - 1;
  const energy = (xx.trace() - xx.get(0, 0)) / width;
  const penalised = Matrix.add(xx, xx.transpose()).mul(0.5); // exactly symmetric, which rounded sums are not
  for (let i = 1; i <= width; i++) penalised.set(i, i, penalised.get(i, i) + penalty * energy);
  const cholesky = new CholeskyDecomposition(penalised);
  return cholesky.isPositiveDefinite() ? cholesky.solve(xz) : ridge({ xx, xz }, penalty * 10);
}

/** Sum of squared errors of weights: E - 2 tr(Wᵀ xz) + tr(Wᵀ xx W). */
function squaredError({ xx, xz, energy }: ReadoutMoments, weights: Matrix): number {
  return energy - 2 * traceOfProduct(weights, xz) + traceOfProduct(weights, xx.mmul(weights));
}

/** Share of the targets' variance, about their own mean, that weights explain; below 0 where they are worse than the mean. */
function explainedVariance(moments: ReadoutMoments, weights: Matrix): number {
  const sums = moments.xz.getRow(0);
  const variance = moments.energy - sums.reduce((sum, value) => sum + value * value, 0) / tokenCount(moments);
  return 1 - squaredError(moments, weights) / variance;
}

/** Of candidates the one with the least error on the dev part. */
export function bestOnDev(dev: ReadoutMoments, candidates: readonly Matrix[]): Matrix {
  const scored = candidates.map((weights) => ({ weights, error: squaredError(dev, weights) }));
  return scored.reduce((best, next) => (next.error < best.error ? next : best)).weights;
}

/** Held-out explained variance of the best ridge readout. */
export function readout({ fit, dev, evaluation }: Split<ReadoutMoments>): number {
  const candidates = PENALTIES.map((penalty) => ridge(fit, penalty));
  return explainedVariance(evaluation, bestOnDev(dev, candidates));
}
