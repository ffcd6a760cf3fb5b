/** Batches of features as tensors, assembled on the host. */

import { patchify } from '@ahpa/dit-core';
import type { Batch, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Records by field and row: a cache, or anything that looks like one. */
export interface Records {
  gather(field: string, rows: ArrayLike<number>): Float32Array | Int32Array | Uint8Array;
}

/** What the records hold, and what of it a batch wants. */
export interface BatchShape {
  /** Height, width and channels of the latent. */
  readonly latent: readonly [number, number, number];
  readonly groups: readonly { readonly name: string; readonly tokens: number; readonly width: number }[];
  /** Side of the latent patches that are the target, where the latent is the target. */
  readonly latentPatch: number | undefined;
}

/** The targets of a batch: one `[B, T, width]` for each group, or the latent in patches. */
export const targetsOf = (
  tokens: tf.Tensor3D[],
  mean: tf.Tensor4D,
  latentPatch: number | undefined,
): tf.Tensor3D[] => (latentPatch === undefined ? tokens : [patchify(mean, latentPatch)]);

/** The batch of the records `rows`, owned by the caller. */
export function batchOf(
  records: Records,
  { latent, groups, latentPatch }: BatchShape,
  rows: Uint32Array,
): Batch<Tree> {
  const shape: [number, number, number, number] = [rows.length, ...latent];
  const mean = tf.tensor4d(records.gather('latent.mean', rows), shape);
  const std = tf.tensor4d(records.gather('latent.std', rows), shape);
  const tokens = groups.map(({ name, tokens: count, width }) =>
    tf.tensor3d(records.gather(`tokens.${name}`, rows), [rows.length, count, width]),
  );
  const y = tf.tensor1d(records.gather('label', rows), 'int32');
  return { latent: { mean, std }, y, targets: targetsOf(tokens, mean, latentPatch) };
}
