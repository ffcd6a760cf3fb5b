/** Class grids: one row of images for each class, always from the same noise. */

import { writeGrid } from '../files/image-grid.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import { sampleInBatches } from './sample-images.ts';

const COLUMNS = 8;

/** Samples the grid and writes it to `path` as PNG; `onStep` is called after every step of the sampler. */
export async function writeClassGrid(
  path: string,
  sampler: ImageSampler,
  classes: readonly string[],
  seed: number,
  onStep: (done: number, total: number) => void,
): Promise<void> {
  const labels = classes.flatMap((_, label) => Array<number>(COLUMNS).fill(label));
  await writeGrid(path, await sampleInBatches(sampler, labels, seed, onStep), COLUMNS, { labels: classes });
}
