/** Features of photographs by a VAE. */
import { eagerEngine } from '@ahpa/engine';
import type { Reporter } from '@ahpa/messages';
import type { Batch, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import {
  type DataSource,
  type ExtractOptions,
  extract,
  featureRequest,
  openImageDataset,
  readVae,
  type Splits,
  type VaeFeatures,
  vaeParams,
} from '../src/index.ts';
import type { HierarchyOptions } from '../src/options.ts';

/** Side of the crop, and of the token grid. */
export const [SIZE, GRID] = [16, 2];

/** Features requested of the VAE in a folder. */
export async function featuresOf(
  vae: string,
  hierarchy: Partial<HierarchyOptions> = {},
  groups?: Readonly<Record<string, readonly string[]>>,
): Promise<VaeFeatures> {
  const files = await readVae({ kind: 'file', path: vae });
  const request = featureRequest(files.config, { size: SIZE, grid: GRID }, hierarchy, groups);
  return { files, vae: eagerEngine.model(vaeParams(files)), request };
}

/** Extracts a part of a folder of photographs. */
export async function extractPart(
  photos: string,
  within: string,
  features: VaeFeatures,
  options: ExtractOptions,
  reporter?: Reporter,
): Promise<Awaited<ReturnType<typeof extract>>> {
  const images = await openImageDataset(photos, { size: SIZE, within, threads: 0 });
  return extract(images, features, { batch: 3, ...options }, reporter).finally(images.close);
}

/** The splits of opened data. */
export const splitsOf = (data: DataSource, features: VaeFeatures): Promise<Splits> => data.splits(features);

/** The values of a batch, which is disposed. */
export function valuesOf(batch: Batch<Tree>): Float32Array[] {
  const tensors = [batch.latent.mean, batch.latent.std, batch.y, ...(batch.targets as tf.Tensor[])];
  const values = tensors.map((tensor) => Float32Array.from(tensor.dataSync()));
  tf.dispose(tensors);
  return values;
}

/** Expects equal lengths, and values within `tolerance` of each other. */
export function expectNear(a: readonly Float32Array[], b: readonly Float32Array[], tolerance: number): void {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length));
  const worst = a.map((values, i) =>
    values.reduce(
      (most, value, j) => Math.max(most, Math.abs(value - ((b[i] as Float32Array)[j] as number))),
      0,
    ),
  );
  expect(Math.max(...worst)).toBeLessThan(tolerance);
}
