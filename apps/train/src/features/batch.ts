/** Batches of features as tensors, assembled on the host. */
import { patchify } from '@ahpa/dit-core';
import type { Batch, Tree } from '@ahpa/trainer';
import { toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { Features } from './features.ts';

/** The float32 value of every float16 bit pattern. */
const WIDE: Float32Array = toFloat32({
  dtype: 'F16',
  shape: [65_536],
  data: new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer),
});

/** What batches are cut from. */
export interface BatchSource {
  readonly features: Features;
  /** Class index of every image. */
  readonly labels: Int32Array;
  /** Side of the latent patches that are the target, where the latent is the target. */
  readonly latentPatch: number | undefined;
}

/** The batch of images `rows`, owned by the caller. */
export function batchOf({ features, labels, latentPatch }: BatchSource, rows: Uint32Array): Batch<Tree> {
  const [, height, width, channels] = features.shape;
  const shape: [number, number, number, number] = [rows.length, height, width, channels];
  const mean = tf.tensor4d(gather(features.mean, height * width * channels, rows), shape);
  const std = tf.tensor4d(gather(features.std, height * width * channels, rows), shape);
  const tokens = features.groups.map(({ tokens: count, width: d, values }) =>
    tf.tensor3d(gather(values, count * d, rows), [rows.length, count, d]),
  );
  const y = tf.tensor1d(
    Int32Array.from(rows, (row) => labels[row] as number),
    'int32',
  );
  const targets = latentPatch === undefined ? tokens : [patchify(mean, latentPatch)];
  return { latent: { mean, std }, y, targets };
}

/** Items `rows`, of `stride` values each, one after the other; float16 bits become float32. */
function gather(values: Float32Array | Uint16Array, stride: number, rows: Uint32Array): Float32Array {
  const result = new Float32Array(rows.length * stride);
  rows.forEach((row, i) => {
    const item = values.subarray(row * stride, (row + 1) * stride);
    if (item instanceof Float32Array) result.set(item, i * stride);
    else widen(item, result, i * stride);
  });
  return result;
}

function widen(bits: Uint16Array, result: Float32Array, offset: number): void {
  for (let i = 0; i < bits.length; i++) result[offset + i] = WIDE[bits[i] as number] as number;
}
