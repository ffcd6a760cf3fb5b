/** Class grids: one row of images for each class, always from the same noise. */

import { writeGrid } from '../files/image-grid.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import { type SamplingHooks, sampleInBatches } from './sample-images.ts';

const COLUMNS = 8;

/** Samples the grid and writes it to `path` as PNG. @throws the signal's reason after an abort. */
export async function writeClassGrid(
  path: string,
  sampler: ImageSampler,
  classes: readonly string[],
  seed: number,
  hooks: SamplingHooks,
): Promise<void> {
  const labels = classes.flatMap((_, label) => Array<number>(COLUMNS).fill(label));
  await writeGrid(path, await sampleInBatches(sampler, labels, seed, hooks), COLUMNS, { labels: classes });
}
