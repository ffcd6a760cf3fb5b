/** Sample grids of a run: a row for each class that the configuration names, always from the same noise. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { PngImage } from '@ahpa/event-files';
import { explain } from '@ahpa/messages';
import type { Task } from '@ahpa/trainer';
import sharp from 'sharp';
import { samplePath } from '../records/folder.ts';
import { nameClasses } from '../sampling/choose-classes.ts';
import { drawClassGrid } from '../sampling/class-grid.ts';
import type { TaskContext } from './context.ts';

/** Writes the sample grid of a step where it is not there yet; a grid that cannot be drawn is a warning, and training goes on. */
export function samples(context: TaskContext): Task[] {
  const { folder, meta, grid: classes, sampler, recorder, reporter, signal } = context;
  const { sampleEvery: every, seed } = meta.config.train;
  if (every === 0) return [];
  const { perClass } = meta.config.sample;
  reporter.say(
    `Sample grids show ${perClass} image${perClass === 1 ? '' : 's'} of ${nameClasses(classes, meta.classes)}.`,
  );
  const labels = classes.map((label) => meta.classes[label] as string);
  const draw = async (step: number): Promise<void> => {
    const path = samplePath(folder, step);
    const bar = reporter.progress('sampling, %', 100);
    const onStep = (done: number, all: number): void => bar.update(Math.round((100 * done) / all), undefined);
    const hooks = { onStep, signal, stretch: context.stretchAt(step) };
    const grid = await drawClassGrid(sampler, { classes, perClass, labels, seed }, hooks).finally(bar.stop);
    await grid.write(path);
    await recorder.show(step, [{ tag: 'samples', image: await readPng(path) }]);
  };
  const tryToDraw = async (step: number): Promise<void> => {
    if (existsSync(samplePath(folder, step))) return;
    recorder.pause();
    await draw(step).catch((error) => {
      if (signal.aborted && error === signal.reason) throw error;
      reporter.warn(`No sample grid of step ${step}: ${explain(error)} Training goes on.`);
    });
  };
  return [{ every, atEnd: 'complete', run: tryToDraw }];
}

async function readPng(path: string): Promise<PngImage> {
  const png = await readFile(path);
  const { width, height } = await sharp(png).metadata();
  return { width, height, png };
}
