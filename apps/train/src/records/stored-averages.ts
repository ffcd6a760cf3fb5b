/** Power-function averages in the files of a run: its snapshots, which are kept for good, and its checkpoints. */
import { join } from 'node:path';
import { type Checkpoint, listCheckpoints } from '@ahpa/checkpoint';
import { stdToExponent } from '@ahpa/trainer';
import type { TensorEntry } from '@ahpa/weight-files';
import { averages, denoiserPrefix } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import type { RunFolder } from './folder.ts';
import type { Profile } from './post-hoc.ts';

/** Folder of a run's snapshots. */
export const snapshotFolder = ({ root }: RunFolder): string => join(root, 'averages');

/** The power-function averages of a configuration with their places in the state's `ema`. */
export const powerAverages = (ema: TrainConfig['ema']): { index: number; gamma: number }[] =>
  averages(ema).flatMap((average, index) =>
    'sigmaRel' in average ? [{ index, gamma: stdToExponent(average.sigmaRel) }] : [],
  );

/** A stored average of a snapshot or checkpoint: its profile, and its tensors by their published names. */
export interface StoredAverage extends Profile {
  readonly tensors: Readonly<Record<string, TensorEntry>>;
}

/** The power-function averages in a snapshot or checkpoint. */
export function storedAverages({ tensors }: Checkpoint, ema: TrainConfig['ema']): StoredAverage[] {
  const count = (name: string): number =>
    new DataView((tensors[name] as TensorEntry).data.slice().buffer).getInt32(0, true);
  const updates = count('step') - count('skipped');
  return powerAverages(ema).map(({ index, gamma }) => {
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
  const files = await listCheckpoints(snapshotFolder(folder)).catch(() => []);
  return files.filter(({ step }) => step <= until).map(({ path }) => path);
}
