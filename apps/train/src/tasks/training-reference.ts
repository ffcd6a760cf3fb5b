/** The reference of evaluations during training: statistics of the training images, kept in the run's folder. */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { LinearAlgebra } from '@ahpa/evaluation';
import {
  type FeatureNetworkOptions,
  hashPixels,
  measureReference,
  type OpenFeatureNetwork,
  type PixelSource,
  type ReferenceSet,
  readReference,
  saveReference,
} from '@ahpa/evaluation/node';
import type { Dataset } from '@ahpa/image-features';
import { readVae, vaeStride } from '@ahpa/image-features';
import type { Reporter, Stretch } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { defaultCacheDir } from '../files/cache-folder.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { type RunFolder, referencePath } from '../records/folder.ts';

/** A run whose training images are the reference. */
export interface ReferenceRun {
  readonly config: TrainConfig;
  readonly folder: RunFolder;
  readonly shape: DataShape;
  readonly train: Dataset;
  readonly reporter: Reporter;
  /** Ends the reading of the images with its reason. */
  readonly signal?: AbortSignal;
  readonly stretch?: Stretch;
}

/** The network that a configuration names. */
export const networkChoice = ({ evaluate: { inception, sha256 } }: TrainConfig): FeatureNetworkOptions => ({
  cacheDir: defaultCacheDir(),
  ...(inception && { inception }),
  ...(sha256 && { sha256 }),
});

/** The statistics of the training images by this network; made where they are not there yet. */
export async function trainingReference(
  { folder, train, shape, config, reporter, signal, stretch }: ReferenceRun,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
): Promise<ReferenceSet> {
  const path = referencePath(folder);
  const kept = existsSync(path) ? await readReference(path, network).catch(() => undefined) : undefined;
  if (kept) return kept;
  const size = shape.latentSize * vaeStride((await readVae(config.vae)).config);
  const pixels = examplePixels(path, train, size, config.evaluate.reference, signal);
  const made = await measureReference(pixels, network, algebra, reporter, stretch);
  await mkdir(dirname(path), { recursive: true });
  await saveReference(path, made, network);
  return made;
}

/** The training images, at most `most` of them. */
function examplePixels(
  path: string,
  examples: Dataset,
  size: number,
  most: number,
  signal: AbortSignal | undefined,
): PixelSource {
  const n = Math.min(most, examples.count);
  const read: PixelSource['read'] = async (start, count) => {
    await setImmediate(); // signals arrive between batches
    signal?.throwIfAborted();
    const data = await examples.pixels(Uint32Array.from({ length: count }, (_, i) => start + i));
    return { data, shape: [count, size, size, 3] };
  };
  return { path, n, read, sha256: () => hashPixels({ n, read }), close: async () => undefined };
}
