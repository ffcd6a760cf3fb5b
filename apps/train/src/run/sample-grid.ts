/** The training task of sample grids: one row for each class, always from the same noise. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { PngImage } from '@ahpa/event-files';
import type { Reporter } from '@ahpa/messages';
import type { Task } from '@ahpa/trainer';
import sharp from 'sharp';
import type { TrainConfig } from '../config/types.ts';
import { readStats } from '../data/stats.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import { writeClassGrid } from '../sampling/class-grid.ts';
import { type RunFolder, samplePath } from './folder.ts';
import type { Prepared } from './prepare.ts';
import type { Recorder } from './recorder.ts';

/** Rows that a plot is made of, so that long runs need no more memory. */
const PLOTTED_ROWS = 4096;

/** Draws the sample grid and the plot of a step where they are not there yet. */
export function sampleTask(
  { train }: TrainConfig,
  folder: RunFolder,
  { classes }: Pick<Prepared, 'classes'>,
  sampler: ImageSampler,
  recorder: Recorder,
  reporter: Reporter,
): Task {
  return {
    every: train.sampleEvery,
    atEnd: 'complete',
    run: async (step) => {
      const path = samplePath(folder, step);
      if (existsSync(path)) return;
      recorder.pause();
      const bar = reporter.progress<undefined>('sampling, %', 100);
      await writeClassGrid(path, sampler, classes, train.seed, (done, all) =>
        bar.update(Math.round((100 * done) / all), undefined),
      );
      bar.stop();
      await recorder.show(step, [{ tag: 'samples', image: await readPng(path) }]);
      const { writeRunPlot } = await import('../visual/plot.ts');
      await writeRunPlot(folder.plot, await readStats(folder.stats, PLOTTED_ROWS));
    },
  };
}

async function readPng(path: string): Promise<PngImage> {
  const png = await readFile(path);
  const { width, height } = await sharp(png).metadata();
  return { width, height, png };
}
