/** Snapshots of power-function averages, kept for good while a run goes on, for post-hoc averages. */

import { saveCheckpoint } from '@ahpa/checkpoint';
import { readTensors } from '@ahpa/engine';
import type { Task } from '@ahpa/trainer';
import { denoiserPrefix } from '../config/averages.ts';
import type { RunState } from '../models/wiring.ts';
import { powerAverages, snapshotFolder } from '../records/stored-averages.ts';
import type { TaskContext } from './context.ts';

/** Saves the power-function averages of the denoiser every `ema.snapshotEvery` steps; nothing without such averages. */
export function snapshots({ folder, meta, stepper }: TaskContext): Task[] {
  const kept = powerAverages(meta.config.ema);
  if (kept.length === 0) return [];
  const save = async (step: number): Promise<void> => {
    const { step: taken, skipped, ema } = stepper.state();
    const counts = await readTensors({ step: taken, skipped });
    const trees = kept.map(async ({ index }) => {
      const own = Object.entries(await readTensors((ema[index] as RunState['params']).denoiser));
      return own.map(([name, tensor]) => [denoiserPrefix(index) + name, tensor] as const);
    });
    const tensors = { ...counts, ...Object.fromEntries((await Promise.all(trees)).flat()) };
    await saveCheckpoint(snapshotFolder(folder), step, tensors, { ...meta });
  };
  return [{ every: meta.config.ema.snapshotEvery, atEnd: 'no', run: save }];
}
