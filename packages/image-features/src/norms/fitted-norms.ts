/** Fitted normalisations of token groups: as a file beside a cache, and as tensors. */
import type { Tree } from '@ahpa/ports';
import type { Pca, TargetNorm } from '@ahpa/vae-hierarchy';
import {
  assertFinite,
  encodeSafetensors,
  fromFloat32,
  parseSafetensors,
  toFloat32,
} from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { HierarchyOptions } from '../hierarchy-options.ts';

/** The numbers of one group: statistics, or principal components; none where nothing is fitted. */
export type FittedNorm = Readonly<Record<string, FittedArray>>;

/** A row-major array. */
export interface FittedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Fitted numbers by group. */
export type FittedNorms = Readonly<Record<string, FittedNorm>>;

/** Name of the file of fitted numbers beside a cache. */
export const STATISTICS_FILE = 'statistics.safetensors';

/** An array of a shape. */
export const array = (values: Float32Array, ...shape: number[]): FittedArray => ({ shape, values });

/** Numbers of a PCA. */
export const pcaNorm = ({ mean, basis, variance }: Pca): FittedNorm => ({
  mean: array(mean, mean.length),
  basis: array(basis, mean.length, variance.length),
  variance: array(variance, variance.length),
});

/** Numbers of a standardisation. */
export const datasetNorm = ({
  mean,
  std,
}: {
  readonly mean: Float32Array;
  readonly std: Float32Array;
}): FittedNorm => ({
  mean: array(mean, mean.length),
  std: array(std, std.length),
});

/** The bytes of the file. */
export function encodeNorms(norms: FittedNorms): Uint8Array {
  const tensors = Object.entries(norms).flatMap(([group, norm]) =>
    Object.entries(norm).map(
      ([name, { shape, values }]) => [`${group}.${name}`, fromFloat32(values, shape, 'F32')] as const,
    ),
  );
  return Buffer.concat(encodeSafetensors(Object.fromEntries(tensors), { kind: 'ahpa-statistics' }));
}

/** The numbers in the bytes of a file that `path` names in errors. @throws where one is not finite */
export function decodeNorms(bytes: Uint8Array, path: string): FittedNorms {
  const norms: Record<string, Record<string, FittedArray>> = {};
  const { tensors } = parseSafetensors(bytes, path);
  assertFinite(tensors, path, 'wanted finite numbers, so make the cache again.');
  for (const [key, entry] of Object.entries(tensors)) {
    const [group = '', name = ''] = key.split('.');
    norms[group] = { ...norms[group], [name]: { shape: entry.shape, values: toFloat32(entry) } };
  }
  return norms;
}

/** The numbers of groups as tensors, owned by the caller. */
export function normTensors(norms: FittedNorms, groups: readonly { readonly name: string }[]): Tree {
  return groups.map(({ name }) => {
    const arrays = Object.entries(norms[name] ?? {});
    return Object.fromEntries(arrays.map(([key, { shape, values }]) => [key, tf.tensor(values, [...shape])]));
  });
}

/** The normalisation of a group by its tensors; of an innovation, the whitening before it. */
export function targetNorm(
  { norm, gamma }: HierarchyOptions,
  tensors: Readonly<Record<string, tf.Tensor>>,
): TargetNorm {
  const at = (name: string): tf.Tensor => tensors[name] as tf.Tensor;
  switch (norm) {
    case 'none':
      return { kind: 'none' };
    case 'spatial':
      return { kind: 'spatial', gamma };
    case 'dataset':
      return {
        kind: 'dataset',
        statistics: { mean: at('mean') as tf.Tensor1D, std: at('std') as tf.Tensor1D },
      };
    default: {
      const pca = { mean: at('mean'), basis: at('basis'), variance: at('variance') };
      return { kind: norm === 'pca' ? 'project' : 'whiten', pca };
    }
  }
}
