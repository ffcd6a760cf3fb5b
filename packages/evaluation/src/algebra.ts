/** The linear algebra that the metrics need, in float64, and one implementation of it that runs anywhere. */
import { EigenvalueDecomposition, Matrix as MlMatrix, WrapperMatrix1D } from 'ml-matrix';

/** A float64 matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** Port of the linear algebra; native libraries implement it. */
export interface LinearAlgebra {
  /** `A B`, or `A^T B`, or `A B^T` where `transposed` names the factor. */
  multiply(a: Matrix, b: Matrix, transposed?: 'a' | 'b'): Matrix;
  /** Eigenvalues of a symmetric matrix, ascending. */
  eigenvalues(symmetric: Matrix): Float64Array;
  /** Eigenvalues, ascending, and the eigenvectors in the columns of `vectors`. */
  eigen(symmetric: Matrix): { readonly values: Float64Array; readonly vectors: Matrix };
}

/** Rows of a float32 feature array, `[rows, columns]` row-major: one row for each image. */
export interface FeatureMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

const wrap = ({ rows, data }: Matrix): WrapperMatrix1D => new WrapperMatrix1D(data, { rows });

const unwrap = (matrix: MlMatrix): Matrix => ({
  rows: matrix.rows,
  columns: matrix.columns,
  data: Float64Array.from(matrix.to1DArray()),
});

function decompose(symmetric: Matrix): EigenvalueDecomposition {
  return new EigenvalueDecomposition(wrap(symmetric) as unknown as MlMatrix, { assumeSymmetric: true });
}

/** ml-matrix in JavaScript: seconds at 512 dimensions, minutes at 2,048. */
export const portableAlgebra: LinearAlgebra = {
  multiply(a, b, transposed) {
    const left = transposed === 'a' ? wrap(a).transpose() : MlMatrix.checkMatrix(wrap(a));
    const right = transposed === 'b' ? wrap(b).transpose() : wrap(b);
    return unwrap(left.mmul(right as unknown as MlMatrix));
  },
  eigenvalues: (symmetric) => Float64Array.from(decompose(symmetric).realEigenvalues),
  eigen(symmetric) {
    const { realEigenvalues, eigenvectorMatrix } = decompose(symmetric);
    return { values: Float64Array.from(realEigenvalues), vectors: unwrap(eigenvectorMatrix) };
  },
};
