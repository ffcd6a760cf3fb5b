/**
 * Kernel Inception Distance (Binkowski 2018): the unbiased squared MMD with the kernel (x . y / d + 1)^3, as the mean over
 * random subsets. Unbiased at any number of images, unlike the Frechet distance.
 */
import type { FeatureMatrix, LinearAlgebra, Matrix } from './algebra.ts';
import { checkFeatures, pickRows, toMatrix } from './features.ts';
import { type Draw, subsets } from './random.ts';

/** Number, size and random draw of the subsets. */
export interface KidOptions {
  /** Number of subsets; default 100. */
  readonly subsets?: number;
  /** Images in a subset; at most 1,000. */
  readonly size?: number;
  readonly draw?: Draw;
}

/** Mean and standard deviation over subsets. */
export interface KernelDistance {
  readonly value: number;
  readonly deviation: number;
  readonly subsets: number;
  readonly size: number;
}

/** Sum of the kernel over all pairs, and over the pairs of a row with itself. */
function kernelSums(x: Matrix, y: Matrix, algebra: LinearAlgebra): { all: number; own: number } {
  const { data } = algebra.multiply(x, y, 'b');
  let all = 0;
  let own = 0;
  for (let i = 0; i < x.rows; i++)
    for (let j = 0; j < y.rows; j++) {
      const value = ((data[i * y.rows + j] as number) / x.columns + 1) ** 3;
      all += value;
      if (i === j) own += value;
    }
  return { all, own };
}

/** Unbiased squared maximum mean discrepancy of two sets of features of the same size m. */
export function squaredMmd(a: FeatureMatrix, b: FeatureMatrix, algebra: LinearAlgebra): number {
  const [x, y] = [toMatrix(a), toMatrix(b)];
  const within = [x, y].map((set) => {
    const { all, own } = kernelSums(set, set, algebra);
    return (all - own) / (set.rows * (set.rows - 1));
  });
  return (
    (within[0] as number) + (within[1] as number) - (2 * kernelSums(x, y, algebra).all) / (x.rows * y.rows)
  );
}

/** KID between two sets of features. */
export function kernelDistance(
  a: FeatureMatrix,
  b: FeatureMatrix,
  algebra: LinearAlgebra,
  options: KidOptions = {},
): KernelDistance {
  checkFeatures(a, 'Features');
  checkFeatures(b, 'Reference features');
  const { subsets: count = 100, size = Math.min(1000, a.rows, b.rows), draw = subsets(0) } = options;
  const values = Array.from({ length: count }, () =>
    squaredMmd(pickRows(a, draw(a.rows, size)), pickRows(b, draw(b.rows, size)), algebra),
  );
  const value = values.reduce((sum, one) => sum + one, 0) / count;
  const variance = values.reduce((sum, one) => sum + (one - value) ** 2, 0) / count;
  return { value, deviation: Math.sqrt(variance), subsets: count, size };
}
