/** The sample grids of a run: one row for each class, always from the same noise. */
import { existsSync } from 'node:fs';
import type { VelocityFn } from '@ahpa/dit-core';
import type { Task } from '@ahpa/trainer';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { readStats } from '../data/stats.ts';
import type { Reporter } from '../report.ts';
import { writeGrid } from '../visual/grid.ts';
import { type Artist, drawImages } from './draw.ts';
import type { Model } from './engine.ts';
import { type RunFolder, samplePath } from './folder.ts';
import type { Prepared } from './prepare.ts';
import type { Recorder } from './recorder.ts';

const COLUMNS = 8;

/** What draws samples of a configuration with a model of the averaged denoiser. */
export function artistOf<P extends Parameters<Prepared['deps']['denoiser']['apply']>[0]>(
  { sample, interpolant }: TrainConfig,
  { deps, decode, shape }: Pick<Prepared, 'deps' | 'decode' | 'shape'>,
  denoiser: Model<P>,
): Artist {
  const run = denoiser.bind((params, x: Tensor4D, t: Tensor1D, y: Tensor1D) => ({
    velocity: deps.denoiser.apply(params, x, t, y).velocity,
  }));
  const velocity: VelocityFn = (x, t, y) => run(x, t, y).velocity;
  return { velocity, decode, shape, config: { ...sample, path: interpolant.path, nullClass: shape.classes } };
}

/** Draws the sample grid and the plot of a step where they are not there yet. */
export function sampleTask(
  { sample, train }: TrainConfig,
  folder: RunFolder,
  { classes }: Pick<Prepared, 'classes'>,
  artist: Artist,
  recorder: Pick<Recorder, 'pause'>,
  reporter: Reporter,
): Task {
  return {
    every: train.sampleEvery,
    atEnd: 'complete',
    run: async (step) => {
      const path = samplePath(folder, step);
      if (existsSync(path)) return;
      recorder.pause();
      const bar = reporter.progress('sampling', sample.steps);
      await writeClassGrid(path, artist, classes, train.seed, (done) => bar.update(done, undefined));
      bar.stop();
      const { writeRunPlot } = await import('../visual/plot.ts');
      await writeRunPlot(folder.plot, await readStats(folder.stats));
    },
  };
}

/** Draws and writes the grid. */
export async function writeClassGrid(
  path: string,
  artist: Artist,
  classes: readonly string[],
  seed: number,
  onStep: (done: number, total: number) => void,
): Promise<void> {
  const labels = classes.flatMap((_, label) => Array<number>(COLUMNS).fill(label));
  await writeGrid(path, await drawImages(artist, labels, seed, onStep), COLUMNS, { labels: classes });
}
