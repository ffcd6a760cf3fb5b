/** Snapshots of power-function averages, kept for good while a run goes on: what other averages are made from afterwards. */

import { join } from 'node:path';
import { type Checkpoint, listCheckpoints, saveCheckpoint } from '@ahpa/checkpoint';
import { readTensors } from '@ahpa/engine';
import { stdToExponent, type Task } from '@ahpa/trainer';
import type { TensorEntry } from '@ahpa/weight-files';
import { averages, denoiserPrefix } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import type { RunState } from '../models/wiring.ts';
import type { RunMeta } from '../run/checkpoints.ts';
import type { RunFolder } from '../run/folder.ts';
import type { Profile } from './post-hoc.ts';

/** Where the snapshots of a run lie. */
const folderOf = ({ root }: RunFolder): string => join(root, 'averages');

/** The power-function averages of a configuration with their places in the state's `ema`. */
const powers = (ema: TrainConfig['ema']): { index: number; gamma: number }[] =>
  averages(ema).flatMap((average, index) =>
    'sigmaRel' in average ? [{ index, gamma: stdToExponent(average.sigmaRel) }] : [],
  );

/** Saves the power-function averages of the denoiser every `ema.snapshotEvery` steps; nothing without such averages. */
export function snapshotTasks(folder: RunFolder, meta: RunMeta, stepper: { state(): RunState }): Task[] {
  const kept = powers(meta.config.ema);
  if (kept.length === 0) return [];
  const save = async (step: number): Promise<void> => {
    const { step: taken, skipped, ema } = stepper.state();
    const counts = await readTensors({ step: taken, skipped });
    const trees = kept.map(async ({ index }) => {
      const own = Object.entries(await readTensors((ema[index] as RunState['params']).denoiser));
      return own.map(([name, tensor]) => [denoiserPrefix(index) + name, tensor] as const);
    });
    const tensors = { ...counts, ...Object.fromEntries((await Promise.all(trees)).flat()) };
    await saveCheckpoint(folderOf(folder), step, tensors, { ...meta });
  };
  return [{ every: meta.config.ema.snapshotEvery, atEnd: 'no', run: save }];
}

/** A stored average of a snapshot or checkpoint: what it weighs, and its tensors by their published names. */
export interface Stored extends Profile {
  readonly tensors: Readonly<Record<string, TensorEntry>>;
}

/** The power-function averages in a snapshot or checkpoint. */
export function storedIn({ tensors }: Checkpoint, ema: TrainConfig['ema']): Stored[] {
  const count = (name: string): number =>
    new DataView((tensors[name] as TensorEntry).data.slice().buffer).getInt32(0, true);
  const updates = count('step') - count('skipped');
  return powers(ema).map(({ index, gamma }) => {
    const prefix = denoiserPrefix(index);
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
    return {
      gamma,
      updates,
      tensors: Object.fromEntries(own.map(([name, entry]) => [name.slice(prefix.length), entry])),
    };
  });
}

/** Files of the snapshots up to a step, oldest first. */
export async function snapshotFiles(folder: RunFolder, until: number): Promise<string[]> {
  const files = await listCheckpoints(folderOf(folder)).catch(() => []);
  return files.filter(({ step }) => step <= until).map(({ path }) => path);
}
