/** Checkpoints of runs: found, checked, and brought to today's form. */
import { type Checkpoint, findLatest, listCheckpoints, loadCheckpoint } from '@ahpa/checkpoint';
import { type Reporter, userError } from '@ahpa/messages';
import type { TensorEntry } from '@ahpa/weight-files';
import { withTodaysNames } from '../config/averages.ts';
import type { Change } from '../config/changes.ts';
import { parseTrainConfig } from '../config/parse.ts';
import type { TrainConfig } from '../config/types.ts';
import type { RunFolder } from './folder.ts';

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
  /** Changes of the configuration on the way to this one. */
  readonly changes: readonly Change[];
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

/**
 * The checkpoint of the step `at` of a run, or its newest valid one, which is undefined where there is none.
 * @throws where there is no checkpoint of step `at`, with the steps that there are.
 */
export async function chosenCheckpoint(
  { root, checkpoints }: Pick<RunFolder, 'root' | 'checkpoints'>,
  at: number | undefined,
  reporter: Reporter,
): Promise<Checkpoint | undefined> {
  if (at === undefined) return newestCheckpoint(checkpoints, reporter);
  const files = await listCheckpoints(checkpoints);
  const file = files.find(({ step }) => step === at);
  if (file !== undefined) return readCheckpoint(file.path);
  const steps = files.map(({ step }) => step).join(', ') || 'none';
  throw userError(`${root} has no checkpoint of step ${at}: the steps that it has are ${steps}.`);
}

/** A counter that checkpoints did not have before runs stopped at several bad steps in a row. */
const skippedInARow: TensorEntry = { dtype: 'I32', shape: [], data: new Uint8Array(4) };

const upToDate = (checkpoint: Checkpoint): Checkpoint => ({
  ...checkpoint,
  tensors: { skippedInARow, ...withTodaysNames(checkpoint.tensors) },
});

/** The metadata of a checkpoint of this program. */
export function runMeta({ path, meta }: Checkpoint): RunMeta {
  const { config, shape, classes, changes = [], counts } = meta;
  if (typeof shape !== 'object' || !Array.isArray(classes)) {
    throw userError(`${path} is not a checkpoint of ahpa train: its metadata has no data shape and classes.`);
  }
  return {
    config: parseTrainConfig(config),
    shape: shape as DataShape,
    classes: classes as string[],
    changes: changes as Change[],
    ...(Array.isArray(counts) && { counts: counts as number[] }),
  };
}
