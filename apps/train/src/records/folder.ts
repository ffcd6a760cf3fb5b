/** The folder of a run: its paths, its lock, and the check that it belongs to the configuration at hand. */
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints, writeDurably } from '@ahpa/checkpoint';
import { type Lock, takeLock } from '@ahpa/file-lock';
import { type Reporter, userError } from '@ahpa/messages';
import { type Change, differences, isFree, isNamed, reasonFixed, text } from '../config/changes.ts';
import { parseTrainConfig } from '../config/parse.ts';
import type { TrainConfig } from '../config/types.ts';

/** Paths of a run. */
export interface RunFolder {
  readonly root: string;
  /** The resolved configuration. */
  readonly config: string;
  /** Changes of the configuration on the way, by step; absent where there are none. */
  readonly changes: string;
  /** One JSON row a line. */
  readonly stats: string;
  readonly checkpoints: string;
  readonly samples: string;
  readonly plot: string;
  /** Event files. */
  readonly tensorboard: string;
  /** Dumps of steps at which the numbers broke. */
  readonly broken: string;
  /** Lock file with the process at work here. */
  readonly lock: string;
}

/** The paths of the run in folder `root`. */
export const runFolder = (root: string): RunFolder => ({
  root,
  config: join(root, 'config.json'),
  changes: join(root, 'changes.json'),
  stats: join(root, 'stats.jsonl'),
  checkpoints: join(root, 'checkpoints'),
  samples: join(root, 'samples'),
  plot: join(root, 'plot.svg'),
  tensorboard: join(root, 'tensorboard'),
  broken: join(root, 'broken'),
  lock: join(root, 'run.lock'),
});

/** Name of a step in the names of files: seven digits or more. */
export const stepName = (step: number): string => String(step).padStart(7, '0');

/** File of the sample grid of a step. */
export const samplePath = ({ samples }: RunFolder, step: number): string =>
  join(samples, `${stepName(step)}.png`);

/** File of the card of the evaluation at a step. */
export const cardPath = ({ root }: Pick<RunFolder, 'root'>, step: number): string =>
  join(root, 'evaluation', `${stepName(step)}.card.json`);

/** File of the statistics of a run's training images, the reference of its evaluations. */
export const referencePath = ({ root }: Pick<RunFolder, 'root'>): string =>
  join(root, 'evaluation', 'reference.safetensors');

/**
 * Makes the folder, or checks that the run in it goes on with `config`, which may differ in the keys `named`; keeps other processes
 * out of it. The lock is the caller's to release.
 */
export async function claimFolder(
  folder: RunFolder,
  config: TrainConfig,
  named: readonly string[],
  reporter: Reporter,
): Promise<Lock> {
  await mkdir(folder.root, { recursive: true });
  const lock = await takeLock(folder.lock, reporter.warn);
  try {
    if (await hasBegun(folder)) await assertContinues(folder, config, named);
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Refuses a configuration that differs from the recorded one in keys that may not change, or that are not named. */
async function assertContinues(
  folder: RunFolder,
  config: TrainConfig,
  named: readonly string[],
): Promise<void> {
  const previous = await readRunConfig(folder);
  if (previous === undefined) return;
  const { root } = folder;
  const bearing = differences(previous, config).filter(({ key }) => !isFree(key));
  for (const { key, from, to } of bearing) {
    const reason = reasonFixed(key);
    if (reason === undefined && isNamed(key, named)) continue;
    const since = (await readChanges(folder)).findLast((change) => change.key === key)?.step;
    const past = since === undefined ? 'was started with' : `has trained since step ${since} with`;
    const remedy =
      reason === undefined
        ? `or change it from here on with --change ${key}=${text(to)}`
        : `or keep it, since ${reason}`;
    throw userError(
      `${root} ${past} ${key} ${text(from)}, and not ${text(to)}: choose another --name, ${remedy}.`,
    );
  }
}

/** Whether a run has done steps that are on record. */
async function hasBegun({ checkpoints, broken, stats }: RunFolder): Promise<boolean> {
  const files = await Promise.all([checkpoints, broken].map(listCheckpoints));
  return files.flat().length > 0 || (existsSync(stats) && statSync(stats).size > 0);
}

/** Writes the resolved configuration and the changes on the way to it: from here on the folder is this run's. */
export async function beginRun(
  folder: RunFolder,
  { config, changes }: { readonly config: TrainConfig; readonly changes: readonly Change[] },
): Promise<void> {
  await mkdir(folder.samples, { recursive: true });
  if (changes.length > 0 || existsSync(folder.changes)) await writeJson(folder.changes, changes);
  await writeJson(folder.config, config);
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeDurably(path, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)]);

/** Releases the folder; where no step was done in it, it is left as if nothing had begun. */
export async function leaveFolder(folder: RunFolder, lock: Lock): Promise<void> {
  await lock.release();
  if (await hasBegun(folder)) return;
  for (const path of [folder.config, folder.changes, folder.stats, folder.tensorboard])
    await rm(path, { recursive: true, force: true });
  for (const path of [folder.samples, folder.root]) await rmdir(path).catch(() => undefined); // refused where there are files
}

/** The changes of a run's recipe, by step. */
export async function readChanges({ changes }: RunFolder): Promise<readonly Change[]> {
  return existsSync(changes) ? JSON.parse(await readFile(changes, 'utf8')) : [];
}

/** The configuration that a run trains with, under the present names of keys; undefined where there is no run. */
export async function readRunConfig({ config }: RunFolder): Promise<TrainConfig | undefined> {
  if (!existsSync(config)) return undefined;
  try {
    return parseTrainConfig(JSON.parse(await readFile(config, 'utf8')));
  } catch (cause) {
    throw userError(`${config} cannot be read (${(cause as Error).message}).`, { cause });
  }
}

/** Whether a run has reached its last step. */
export async function isComplete({ checkpoints }: RunFolder, steps: number): Promise<boolean> {
  const newest = (await listCheckpoints(checkpoints)).at(-1);
  return newest !== undefined && newest.step >= steps;
}
