/** Principal components of tokens, fitted once on calibration images and applied as a fixed linear map. */
import * as tf from '@tensorflow/tfjs-core';

/** A fixed map of D channels to d: `(x - mean) basis`, whose k-th value varies by `variance[k]` over the samples. */
export interface Pca<V = Float32Array> {
  /** `[D]`. */
  readonly mean: V;
  /** `[D, d]`, row by row; columns are orthonormal. */
  readonly basis: V;
  /** `[d]`, largest first. */
  readonly variance: V;
}

/** A PCA whose numbers are on the backend: `[D]`, `[D, d]` and `[d]`. */
export type PcaTensors = Pca<tf.Tensor>;

const toTensor = (values: Float32Array | tf.Tensor): tf.Tensor1D =>
  values instanceof Float32Array ? tf.tensor1d(values) : tf.reshape(values, [values.size]);

/**
 * Eigenvalues of a symmetric matrix in any order, and its eigenvectors as columns: `vectors[i][k]` belongs to `values[k]`. A port,
 * implemented for example by
 * ml-matrix's `EigenvalueDecomposition`.
 */
export type SymmetricEigen = (matrix: number[][]) => {
  readonly values: readonly number[];
  readonly vectors: readonly (readonly number[])[];
};

/** Variance below this part of the largest is rounding error of float32. */
const SMALLEST_PART = 1e-9;

/** Rows of a square matrix, made exactly symmetric. */
async function readRows(matrix: tf.Tensor2D): Promise<number[][]> {
  const [size] = matrix.shape;
  const values = await matrix.data();
  const at = (i: number, j: number): number => values[i * size + j] as number;
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (at(i, j) + at(j, i)) / 2),
  );
}

/** The `d` largest eigenvalues and their eigenvectors, one a row, each with its largest entry positive. */
function leading(
  { values, vectors }: ReturnType<SymmetricEigen>,
  d: number,
): { values: number[]; vectors: number[][] } {
  const order = values.map((_, k) => k).sort((a, b) => (values[b] as number) - (values[a] as number));
  const kept = order.slice(0, d);
  const rows = kept.map((k) => {
    const vector = vectors.map((row) => row[k] as number);
    const extreme = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    return extreme < 0 ? vector.map((entry) => -entry) : vector;
  });
  return { values: kept.map((k) => values[k] as number), vectors: rows };
}

/**
 * Fits a PCA to `d` components on samples `[N, D]` (tokens of calibration images). Decomposes the smaller of the covariance
 * `[D, D]` and the Gram matrix `[N, N]`, so either may be large.
 * @throws RangeError where `d` is not possible for the samples
 */
export async function fitPca(samples: tf.Tensor2D, d: number, eigen: SymmetricEigen): Promise<Pca> {
  const [count, channels] = samples.shape;
  if (!(d >= 1 && d <= channels && d < count)) {
    throw new RangeError(
      `fitPca: wanted ${d} components of ${count} samples of ${channels} channels; take at least 1, at most the channels, and fewer than the samples.`,
    );
  }
  const wide = channels > count;
  const { mean, centred, square } = tf.tidy(() => {
    const center = tf.mean(samples, 0);
    const rest = tf.sub(samples, center) as tf.Tensor2D;
    return { mean: center, centred: rest, square: tf.div(tf.matMul(rest, rest, !wide, wide), count) };
  });
  try {
    const { values, vectors } = leading(eigen(await readRows(square as tf.Tensor2D)), d);
    checkRank(values);
    const basis = tf.tidy(() => {
      const columns = tf.transpose(tf.tensor2d(vectors)) as tf.Tensor2D;
      return wide ? fromGram(centred, columns, values) : columns;
    });
    return {
      mean: Float32Array.from(await mean.data()),
      basis: Float32Array.from(await basis.data().finally(() => basis.dispose())),
      variance: Float32Array.from(values),
    };
  } finally {
    tf.dispose([mean, centred, square]);
  }
}

/** Eigenvectors of the covariance from those of the Gram matrix: `X^T u / sqrt(N value)`. */
function fromGram(centred: tf.Tensor2D, vectors: tf.Tensor2D, values: readonly number[]): tf.Tensor2D {
  const scale = values.map((value) => 1 / Math.sqrt(value * centred.shape[0]));
  return tf.mul(tf.matMul(centred, vectors, true), tf.tensor1d(scale));
}

function checkRank(values: readonly number[]): void {
  const [largest = 0] = values;
  const rank = values.filter((value) => value > SMALLEST_PART * largest).length;
  if (rank < values.length) {
    throw new RangeError(
      `fitPca: the samples vary in ${rank} directions, wanted ${values.length}; take fewer components or more samples.`,
    );
  }
}

/**
 * `[B, T, D]` -> `[B, T, d]`; with `whiten`, each component is divided by its standard deviation.
 * @throws RangeError where the channels differ from those of the PCA
 */
export function projectTokens(tokens: tf.Tensor3D, pca: Pca | PcaTensors, whiten: boolean): tf.Tensor3D {
  const [batch, count, channels] = tokens.shape;
  return tf.tidy(() => {
    const [mean, variance] = [toTensor(pca.mean), toTensor(pca.variance)];
    if (mean.size !== channels) {
      throw new RangeError(
        `projectTokens: tokens have shape [${tokens.shape}], wanted ${mean.size} channels, as the PCA was fitted to.`,
      );
    }
    const flat = tf.reshape(tf.sub(tokens, mean), [batch * count, channels]) as tf.Tensor2D;
    const basis = tf.reshape(toTensor(pca.basis), [channels, variance.size]) as tf.Tensor2D;
    const scaled = whiten ? tf.div(basis, tf.sqrt(variance)) : basis;
    return tf.reshape(tf.matMul(flat, scaled as tf.Tensor2D), [batch, count, variance.size]);
  });
}
