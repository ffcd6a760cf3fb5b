/** Batches of cached features as tensors, assembled on the host. */
import type { Batch, FeatureGroup, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Records by field and row: a cache, or anything like one. */
export interface Records {
  gather(field: string, rows: ArrayLike<number>): Float32Array | Int32Array | Uint8Array;
}

/** Shapes of a record's parts. */
export interface BatchShape {
  /** Height, width and channels of the latent. */
  readonly latent: readonly [number, number, number];
  readonly groups: readonly FeatureGroup[];
}

/** The batch of the records `rows`, owned by the caller; its targets are one `[B, T, width]` for each group. */
export function recordBatch(
  records: Records,
  { latent, groups }: BatchShape,
  rows: Uint32Array,
): Batch<Tree> {
  const shape: [number, number, number, number] = [rows.length, ...latent];
  const mean = tf.tensor4d(records.gather('latent.mean', rows), shape);
  const std = tf.tensor4d(records.gather('latent.std', rows), shape);
  const targets = groups.map(({ name, tokens, width }) =>
    tf.tensor3d(records.gather(`tokens.${name}`, rows), [rows.length, tokens, width]),
  );
  const y = tf.tensor1d(records.gather('label', rows), 'int32');
  return { latent: { mean, std }, y, targets };
}
