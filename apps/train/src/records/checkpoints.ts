/** Checkpoints of runs: found, checked, and brought to today's form. */
import { type Checkpoint, findLatest, loadCheckpoint } from '@ahpa/checkpoint';
import { type Reporter, userError } from '@ahpa/messages';
import type { TensorEntry } from '@ahpa/weight-files';
import { withTodaysNames } from '../config/averages.ts';
import { parseTrainConfig } from '../config/parse.ts';
import type { TrainConfig } from '../config/types.ts';

/** The sizes that data and VAE fix: side and channels of the latent, and the number of classes. */
export interface DataShape {
  readonly latentSize: number;
  readonly latentChannels: number;
  readonly classes: number;
}

/** Metadata of a checkpoint. */
export interface RunMeta {
  readonly config: TrainConfig;
  readonly shape: DataShape;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Images of every class that the run had; absent from checkpoints of earlier versions. */
  readonly counts?: readonly number[];
}

/** The checkpoint in a file, in today's form, with those of its tensors for whose name in the file `keep` is true. */
export async function readCheckpoint(path: string, keep?: (name: string) => boolean): Promise<Checkpoint> {
  return upToDate(await loadCheckpoint(path, keep));
}

/** The newest valid checkpoint of a run, under today's names. */
export async function newestCheckpoint(folder: string, reporter: Reporter): Promise<Checkpoint | undefined> {
  const newest = await findLatest(folder, reporter);
  return newest && upToDate(newest);
}

/** A counter that checkpoints did not have before runs stopped at several bad steps in a row. */
const skippedInARow: TensorEntry = { dtype: 'I32', shape: [], data: new Uint8Array(4) };

const upToDate = (checkpoint: Checkpoint): Checkpoint => ({
  ...checkpoint,
  tensors: { skippedInARow, ...withTodaysNames(checkpoint.tensors) },
});

/** The metadata of a checkpoint of this program. */
export function runMeta({ path, meta }: Checkpoint): RunMeta {
  const { config, shape, classes, counts } = meta;
  if (typeof shape !== 'object' || !Array.isArray(classes)) {
    throw userError(`${path} is not a checkpoint of ahpa train: its metadata has no data shape and classes.`);
  }
  return {
    config: parseTrainConfig(config),
    shape: shape as DataShape,
    classes: classes as string[],
    ...(Array.isArray(counts) && { counts: counts as number[] }),
  };
}
