/** The plot of a run's record. */
import type { Task } from '@ahpa/trainer';
import { readStats } from '../records/stats.ts';
import type { TaskContext } from './context.ts';

/** Rows that a plot is made of, so that long runs need no more memory. */
const PLOTTED_ROWS = 4096;

/** Draws the plot when a sample grid is drawn, or with checkpoints where there are none. */
export function plot({ folder, meta }: TaskContext): Task[] {
  const { sampleEvery, checkpointEvery } = meta.config.train;
  const draw = async (): Promise<void> => {
    const { writeRunPlot } = await import('../records/plot.ts');
    await writeRunPlot(folder.plot, await readStats(folder.stats, PLOTTED_ROWS));
  };
  return [{ every: sampleEvery || checkpointEvery, atEnd: 'complete', run: draw }];
}
