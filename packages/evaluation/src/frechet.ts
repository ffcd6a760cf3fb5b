/**
 * The Frechet distance between Gaussians (Heusel 2017, eq. 6): |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)).
 * S1 S2 has the eigenvalues of R^T S2 R with R = V L^(1/2) and S1 = V L V^T, which is symmetric: no complex root is taken.
 */
import type { LinearAlgebra, Matrix } from './algebra.ts';
import type { Gaussian } from './statistics.ts';

/** A Gaussian whose covariance is factored, to be compared with many others. */
export interface Reference extends Gaussian {
  /** `[d, r]`: covariance = root root^T, r its rank. */
  readonly root: Matrix;
}

const trace = ({ rows, data }: Matrix): number => {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += data[i * rows + i] as number;
  return sum;
};

/** Eigenvalues below this are what rounding leaves of zero. */
const negligible = (values: Float64Array): number => (values.at(-1) ?? 0) * values.length * Number.EPSILON;

function checkGaussian({ mean, covariance }: Gaussian): void {
  const { rows, columns, data } = covariance;
  if (rows !== mean.length || columns !== mean.length)
    throw new Error(`The covariance is [${rows}, ${columns}], wanted [${mean.length}, ${mean.length}].`);
  if (!data.every(Number.isFinite) || !mean.every(Number.isFinite))
    throw new Error('The statistics hold values that are not finite: the features they come from were not.');
}

/** Factors the covariance of a Gaussian. Throws where the statistics are not finite. */
export function referenceOf(gaussian: Gaussian, algebra: LinearAlgebra): Reference {
  checkGaussian(gaussian);
  const { values, vectors } = algebra.eigen(gaussian.covariance);
  const least = negligible(values);
  const from = values.findIndex((value) => value > least);
  const rows = values.length;
  const columns = from < 0 ? 0 : rows - from;
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      data[i * columns + j] =
        (vectors.data[i * rows + from + j] as number) * Math.sqrt(values[from + j] as number);
  return { ...gaussian, root: { rows, columns, data } };
}

/** Squared Frechet distance from a reference, as FID is reported. Throws where dimensions differ. */
export function frechetDistance(reference: Reference, other: Gaussian, algebra: LinearAlgebra): number {
  checkGaussian(other);
  if (other.mean.length !== reference.mean.length)
    throw new Error(
      `The features have ${other.mean.length} dimensions and the reference ${reference.mean.length}: they come from different networks.`,
    );
  const { root, mean, covariance } = reference;
  const shift = mean.reduce((sum, value, i) => sum + (value - (other.mean[i] as number)) ** 2, 0);
  const product = algebra.multiply(root, algebra.multiply(other.covariance, root), 'a');
  const values = root.columns === 0 ? new Float64Array(0) : algebra.eigenvalues(product);
  const least = negligible(values);
  const overlap = values.reduce((sum, value) => (value > least ? sum + Math.sqrt(value) : sum), 0);
  return shift + trace(covariance) + trace(other.covariance) - 2 * overlap;
}
