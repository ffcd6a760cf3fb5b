/** Class grids: a row of images for each class, always from the same noise. */

import { createGrid, type Grid } from '../files/image-grid.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import { type SamplingHooks, sampleInBatches } from './sample-images.ts';

/** Rows of a grid. */
export interface ClassGrid {
  /** Index of the class of each row. */
  readonly classes: readonly number[];
  /** Images of each class. */
  readonly perClass: number;
  /** Text left of each row; none by default. */
  readonly labels?: readonly string[];
  /** Images in a row; default those of a class. */
  readonly columns?: number;
  readonly seed: number;
}

/**
 * Samples a grid, one batch in memory at a time.
 * @throws before anything is sampled where it does not fit into a picture, and the signal's reason after an abort
 */
export async function drawClassGrid(
  sampler: ImageSampler,
  { classes, perClass, labels = [], columns = perClass, seed }: ClassGrid,
  hooks: SamplingHooks,
): Promise<Grid> {
  const chosen = classes.flatMap((label) => Array<number>(perClass).fill(label));
  const { size } = sampler;
  const grid = await createGrid({ images: chosen.length, columns, width: size, height: size, labels });
  await sampleInBatches(sampler, chosen, seed, grid.paint, hooks);
  return grid;
}
