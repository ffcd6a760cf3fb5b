/** Eigenvectors of symmetric matrices for PCA: TensorFlow's on its backend, ml-matrix elsewhere. */
import { type Matrix, portableAlgebra } from '@ahpa/evaluation';
import type { SymmetricEigen } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';

/** The decomposition that suits the active backend. */
export async function symmetricEigen(): Promise<SymmetricEigen> {
  const native = tf.getBackend() === 'tensorflow';
  const { eigen } = native ? (await import('@ahpa/libtensorflow')).float64Algebra : portableAlgebra;
  return (rows) => {
    const size = rows.length;
    const symmetric: Matrix = { rows: size, columns: size, data: Float64Array.from(rows.flat()) };
    const { values, vectors } = eigen(symmetric);
    const at = (i: number): number[] => Array.from(vectors.data.subarray(i * size, (i + 1) * size));
    return { values: Array.from(values), vectors: Array.from({ length: size }, (_, i) => at(i)) };
  };
}
