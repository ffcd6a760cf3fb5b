/** The reference of evaluations during training: statistics of the training images, kept in the run's folder. */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
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
import type { Reporter } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import type { Examples } from '../features/examples.ts';
import { defaultCacheDir } from '../files/cache-folder.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { type RunFolder, referencePath } from '../records/folder.ts';
import { readVae, vaeStride } from '../vae/load.ts';

/** A run whose training images are the reference. */
export interface ReferenceRun {
  readonly config: TrainConfig;
  readonly folder: RunFolder;
  readonly shape: DataShape;
  readonly train: Examples;
  readonly reporter: Reporter;
}

/** The network that a configuration names. */
export const networkChoice = ({ evaluate: { inception, sha256 } }: TrainConfig): FeatureNetworkOptions => ({
  cacheDir: defaultCacheDir(),
  ...(inception && { inception }),
  ...(sha256 && { sha256 }),
});

/** The statistics of the training images by this network; made where they are not there yet. */
export async function trainingReference(
  { folder, train, shape, config, reporter }: ReferenceRun,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
): Promise<ReferenceSet> {
  const path = referencePath(folder);
  const kept = existsSync(path) ? await readReference(path, network).catch(() => undefined) : undefined;
  if (kept) return kept;
  const size = shape.latentSize * vaeStride((await readVae(config.vae)).config);
  const pixels = examplePixels(path, train, size, config.evaluate.reference);
  const made = await measureReference(pixels, network, algebra, reporter);
  await mkdir(dirname(path), { recursive: true });
  await saveReference(path, made, network);
  return made;
}

/** The training images, at most `most` of them. */
function examplePixels(path: string, examples: Examples, size: number, most: number): PixelSource {
  const n = Math.min(most, examples.count);
  const read: PixelSource['read'] = async (start, count) => ({
    data: await examples.pixels(Uint32Array.from({ length: count }, (_, i) => start + i)),
    shape: [count, size, size, 3],
  });
  return { path, n, read, sha256: () => hashPixels({ n, read }), close: async () => undefined };
}
