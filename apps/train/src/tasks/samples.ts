/** Sample grids of a run, one row for each class and always from the same noise, and the plot of its record. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { PngImage } from '@ahpa/event-files';
import type { Task } from '@ahpa/trainer';
import sharp from 'sharp';
import { samplePath } from '../records/folder.ts';
import { readStats } from '../records/stats.ts';
import { writeClassGrid } from '../sampling/class-grid.ts';
import type { TaskContext } from './context.ts';

/** Rows that a plot is made of, so that long runs need no more memory. */
const PLOTTED_ROWS = 4096;

/** Writes the sample grid and the plot of a step where they are not there yet. */
export function samples(context: TaskContext): Task[] {
  const { folder, meta, sampler, recorder, reporter, signal } = context;
  const { sampleEvery, seed } = meta.config.train;
  const draw = async (step: number): Promise<void> => {
    const path = samplePath(folder, step);
    if (existsSync(path)) return;
    recorder.pause();
    const bar = reporter.progress('sampling, %', 100);
    const onStep = (done: number, all: number): void => bar.update(Math.round((100 * done) / all), undefined);
    const hooks = { onStep, signal, stretch: context.stretchAt(step) };
    await writeClassGrid(path, sampler, meta.classes, seed, hooks).finally(bar.stop);
    await recorder.show(step, [{ tag: 'samples', image: await readPng(path) }]);
    const { writeRunPlot } = await import('../records/plot.ts');
    await writeRunPlot(folder.plot, await readStats(folder.stats, PLOTTED_ROWS));
  };
  return [{ every: sampleEvery, atEnd: 'complete', run: draw }];
}

async function readPng(path: string): Promise<PngImage> {
  const png = await readFile(path);
  const { width, height } = await sharp(png).metadata();
  return { width, height, png };
}
