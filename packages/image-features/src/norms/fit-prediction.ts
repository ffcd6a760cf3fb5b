/** Fits the linear prediction of white tokens from the clean latent, from second moments in float64. */
import { residualScales, ridge } from '@ahpa/recoverability';
import { Matrix } from 'ml-matrix';
import { array, type FittedNorm } from './fitted-norms.ts';

/** Of the ridge, relative to the mean energy of the latent's values; ours. */
const PENALTY = 1e-3;
/** Tokens whose moments are added at once. */
const ROWS = 4096;

/** Numbers of a prediction: latents `[count, d]` and white tokens `[count, r]` -> slopes `[d, r]`, offset and scale `[r]`. */
export function fitPrediction(latents: Float32Array, white: Float32Array, count: number): FittedNorm {
  const [d, r] = [latents.length / count, white.length / count];
  const [xx, xz, energy] = [Matrix.zeros(1 + d, 1 + d), Matrix.zeros(1 + d, r), Matrix.zeros(1, r)];
  for (let start = 0; start < count; start += ROWS) {
    const rows = Math.min(ROWS, count - start);
    const part = (values: Float32Array, width: number): Matrix =>
      Matrix.from1DArray(rows, width, values.subarray(start * width, (start + rows) * width));
    const [x, z] = [Matrix.ones(rows, 1 + d).setSubMatrix(part(latents, d), 0, 1), part(white, r)];
    const across = x.transpose();
    xx.add(across.mmul(x));
    xz.add(across.mmul(z));
    energy.add(Matrix.rowVector(Matrix.mul(z, z).sum('column')));
  }
  const weights = ridge({ xx, xz }, PENALTY);
  const explained = Matrix.mul(weights, Matrix.sub(Matrix.mul(xz, 2), xx.mmul(weights))).sum('column');
  const left = explained.map((part, k) => (energy.get(0, k) - part) / count);
  const [offset, ...slopes] = weights.to2DArray();
  return {
    slopes: array(Float32Array.from(slopes.flat()), d, r),
    offset: array(Float32Array.from(offset as number[]), r),
    scale: array(Float32Array.from(residualScales(left)), r),
  };
}
