/**
 * Improved precision and recall (Kynkaanniemi 2019): a manifold is the union of the balls about its features that reach to
 * their k-th nearest neighbour (k = 3). Blocks of dot products come from the active backend; nothing of size n x n is held.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureMatrix } from './algebra.ts';
import { checkFeatures } from './features.ts';
import { columnMeans } from './statistics.ts';

/** Shares in [0, 1]. */
export interface PrecisionRecall {
  /** Of the samples: inside the manifold of the reference. */
  readonly precision: number;
  /** Of the reference: inside the manifold of the samples. */
  readonly recall: number;
  readonly k: number;
}

/** Bytes of one block of dot products. */
const BLOCK_BYTES = 1 << 26;

/** Features on the backend, and half the squared norm of each. */
interface Points {
  readonly tensor: tf.Tensor2D;
  readonly halfNorms: Float64Array;
}

/** Distances do not change when both sets move; dot products lose fewer digits about the origin. */
function pointsOf({ rows, columns, data }: FeatureMatrix, origin: Float64Array): Points {
  const moved = new Float32Array(data.length);
  const halfNorms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const value = Math.fround((data[i * columns + j] as number) - (origin[j] as number));
      moved[i * columns + j] = value;
      sum += value * value;
    }
    halfNorms[i] = sum / 2;
  }
  return { tensor: tf.tensor2d(moved, [rows, columns]), halfNorms };
}

/** Calls `visit(row, dots)` for every row of `a` with its dot products with all rows of `b`. */
async function eachRow(
  a: Points,
  b: Points,
  visit: (row: number, dots: Float32Array) => void,
): Promise<void> {
  const [rows, width] = [a.tensor.shape[0], b.tensor.shape[0]];
  const height = Math.max(1, Math.floor(BLOCK_BYTES / (4 * width)));
  for (let start = 0; start < rows; start += height) {
    const count = Math.min(height, rows - start);
    const block = tf.tidy(() =>
      tf.matMul(tf.slice(a.tensor, [start, 0], [count, -1]), b.tensor, false, true),
    );
    const dots = (await block.data()) as Float32Array;
    block.dispose();
    for (let i = 0; i < count; i++) visit(start + i, dots.subarray(i * width, (i + 1) * width));
  }
}

/** Half the squared distance from each point to its k-th nearest other one. */
async function halfRadii(points: Points, k: number): Promise<Float64Array> {
  const { halfNorms } = points;
  const radii = new Float64Array(halfNorms.length);
  const nearest = new Float64Array(k);
  await eachRow(points, points, (row, dots) => {
    nearest.fill(Number.POSITIVE_INFINITY);
    let worst = Number.POSITIVE_INFINITY;
    for (let j = 0; j < dots.length; j++) {
      const value = (halfNorms[j] as number) - (dots[j] as number);
      if (value >= worst || j === row) continue;
      let at = k - 1;
      for (; at > 0 && (nearest[at - 1] as number) > value; at--) nearest[at] = nearest[at - 1] as number;
      nearest[at] = value;
      worst = nearest[k - 1] as number;
    }
    radii[row] = worst + (halfNorms[row] as number);
  });
  return radii;
}

/** Squared distance of each feature to its k-th nearest other one. */
export async function neighbourDistances(features: FeatureMatrix, k = 3): Promise<Float64Array> {
  checkFeatures(features, 'Features');
  const points = pointsOf(features, columnMeans(features));
  const radii = await halfRadii(points, k).finally(() => points.tensor.dispose());
  return radii.map((value) => 2 * value);
}

/** Precision and recall of `samples` against `reference`, both `[n, d]` from the same network. */
export async function precisionRecall(
  reference: FeatureMatrix,
  samples: FeatureMatrix,
  k = 3,
): Promise<PrecisionRecall> {
  checkFeatures(reference, 'Reference features');
  checkFeatures(samples, 'Features');
  if (Math.min(reference.rows, samples.rows) <= k)
    throw new Error(
      `The ${k}-th nearest neighbour needs more than ${k} images on both sides, got ${reference.rows} and ${samples.rows}.`,
    );
  const origin = columnMeans(reference);
  const [real, made] = [pointsOf(reference, origin), pointsOf(samples, origin)];
  try {
    const realRadii = await halfRadii(real, k);
    const madeRadii = await halfRadii(made, k);
    const covered = new Uint8Array(reference.rows);
    let inside = 0;
    await eachRow(made, real, (row, dots) => {
      const own = made.halfNorms[row] as number;
      const reach = madeRadii[row] as number;
      let found = 0;
      for (let j = 0; j < dots.length; j++) {
        const half = own + (real.halfNorms[j] as number) - (dots[j] as number);
        if (half <= (realRadii[j] as number)) found = 1;
        if (half <= reach) covered[j] = 1;
      }
      inside += found;
    });
    const recalled = covered.reduce((sum, one) => sum + one, 0);
    return { precision: inside / samples.rows, recall: recalled / reference.rows, k };
  } finally {
    tf.dispose([real.tensor, made.tensor]);
  }
}
