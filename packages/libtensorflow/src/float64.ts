/** Linear algebra in float64, which TensorFlow.js lacks: products and symmetric eigenvalues by TensorFlow's own kernels. */
import type { OpAttribute } from '../kernels/bundle.js';
import { activeBackend } from './backend.ts';
import { DType } from './c-api.ts';
import { attribute } from './graph.ts';

/** A matrix, row-major. */
export interface Float64Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** The operations. */
export interface Float64Algebra {
  /** `A B`, or `A^T B`, or `A B^T` where `transposed` names the factor. */
  multiply(a: Float64Matrix, b: Float64Matrix, transposed?: 'a' | 'b'): Float64Matrix;
  /** Eigenvalues of a symmetric matrix, ascending. */
  eigenvalues(symmetric: Float64Matrix): Float64Array;
  /** Eigenvalues, ascending, and the eigenvectors in the columns of `vectors`. */
  eigen(symmetric: Float64Matrix): { readonly values: Float64Array; readonly vectors: Float64Matrix };
}

/** Runs one op on matrices; returns the values of its outputs. */
function run(
  op: string,
  inputs: readonly Float64Matrix[],
  attributes: readonly OpAttribute[],
  outputs: number,
): Float64Array[] {
  const { eager } = activeBackend();
  const given = inputs.map(({ rows, columns, data }) =>
    eager.createTensor([rows, columns], DType.float64, data),
  );
  let made: number[] = [];
  try {
    const type = attribute.type('T', DType.float64);
    made = eager.executeOp(op, [...attributes, type], given, outputs).map(({ id }) => id);
    return made.map((id) => eager.tensorDataSync(id) as Float64Array);
  } finally {
    for (const id of [...given, ...made]) eager.deleteTensor(id);
  }
}

const decompose = (symmetric: Float64Matrix, vectors: boolean): Float64Array[] =>
  run('SelfAdjointEigV2', [symmetric], [attribute.bool('compute_v', vectors)], 2);

/** The operations on the active `tensorflow` backend. */
export const float64Algebra: Float64Algebra = {
  multiply(a, b, transposed) {
    const flags = [
      attribute.bool('transpose_a', transposed === 'a'),
      attribute.bool('transpose_b', transposed === 'b'),
    ];
    const [data] = run('MatMul', [a, b], flags, 1) as [Float64Array];
    const rows = transposed === 'a' ? a.columns : a.rows;
    return { rows, columns: transposed === 'b' ? b.rows : b.columns, data };
  },
  eigenvalues: (symmetric) => decompose(symmetric, false)[0] as Float64Array,
  eigen(symmetric) {
    const [values, data] = decompose(symmetric, true) as [Float64Array, Float64Array];
    return { values, vectors: { ...symmetric, data } };
  },
};
