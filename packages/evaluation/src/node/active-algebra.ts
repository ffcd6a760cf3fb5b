/** Choice of the linear algebra by the active backend. */
import { getBackend } from '@tensorflow/tfjs-core';
import { type LinearAlgebra, portableAlgebra } from '../algebra.ts';

/** TensorFlow's linear algebra where that backend is active, else `portableAlgebra`. */
export async function activeAlgebra(): Promise<LinearAlgebra> {
  if (getBackend() !== 'tensorflow') return portableAlgebra;
  return (await import('@ahpa/libtensorflow')).float64Algebra;
}
