/** The folder of a run: its paths, its lock, and the check that it belongs to the configuration at hand. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints, writeDurably } from '@ahpa/checkpoint';
import { type Lock, takeLock } from '@ahpa/file-lock';
import { type Reporter, userError } from '@ahpa/messages';
import { parseTrainConfig } from '../config/parse.ts';
import type { TrainConfig } from '../config/types.ts';

/** Paths of a run. */
export interface RunFolder {
  readonly root: string;
  /** The resolved configuration. */
  readonly config: string;
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

/** Keys that may change between the sessions of a run: they do not change what is learned. */
const FREE =
  /^(description|sample\..*|ema\.snapshotEvery|evaluate\..*|train\.(steps|\w+Every|keepLast|backend|eager))$/;

/** Keys that may be given a value where they had none: they say more exactly how the same data are read. */
const REFINED = /^data\.(classes|labelColumn|imageColumn)$/;

/**
 * Makes the folder or checks that it was made for `config`, and keeps other processes out of it.
 * The lock is the caller's to release.
 */
export async function claimFolder(folder: RunFolder, config: TrainConfig, reporter: Reporter): Promise<Lock> {
  await mkdir(folder.root, { recursive: true });
  const lock = await takeLock(folder.lock, reporter.warn);
  try {
    const previous = await readRunConfig(folder);
    const [key] = previous === undefined ? [] : differences(previous, config);
    if (key !== undefined) {
      throw userError(
        `${folder.root} was started with ${key}: choose another --name, or the configuration it was started with.`,
      );
    }
    return lock;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Writes the resolved configuration: from here on the folder is this run's. */
export async function beginRun(folder: RunFolder, config: TrainConfig): Promise<void> {
  await mkdir(folder.samples, { recursive: true });
  await writeDurably(folder.config, [Buffer.from(`${JSON.stringify(config, null, 2)}\n`)]);
}

/** Releases the folder, and removes it where nothing was begun in it. */
export async function leaveFolder({ root }: RunFolder, lock: Lock): Promise<void> {
  await lock.release();
  await rmdir(root).catch(() => undefined); // refused where there are files
}

/** The configuration a run was started with, under the present names of keys; undefined where there is no run. */
export async function readRunConfig({ config }: RunFolder): Promise<TrainConfig | undefined> {
  if (!existsSync(config)) return undefined;
  try {
    return parseTrainConfig(JSON.parse(await readFile(config, 'utf8')));
  } catch (cause) {
    throw userError(`${config} cannot be read (${(cause as Error).message}).`, { cause });
  }
}

/** Former defaults, as JSON by dotted path, and the present ones that mean the same to every run that they started. */
const FORMER: Readonly<Record<string, readonly [former: string, present: string]>> = {
  'alignment.teacher.taps': ['["mid.block_2"]', '"deepest"'],
};

/** Differences of two configurations in keys that a run may not change: `key old, and not new` each. */
export function differences(old: TrainConfig, now: TrainConfig): string[] {
  const [before, after] = [entries(old), entries(now)];
  const isRefined = (key: string): boolean => REFINED.test(key) && before.get(key) === 'null';
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => !FREE.test(key) && !isRefined(key),
  );
  return keys
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key} ${before.get(key) ?? 'absent'}, and not ${after.get(key) ?? 'absent'}`);
}

/** Leaves of a configuration as JSON by dotted path; arrays count as leaves. */
function entries(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const [former, present] = FORMER[path] ?? [];
    const text = JSON.stringify(value);
    return new Map([[path, text === former ? (present as string) : text]]);
  }
  const inner = Object.entries(value).flatMap(([key, child]) => [
    ...entries(child, path === '' ? key : `${path}.${key}`),
  ]);
  return new Map(inner);
}

/** Whether a run has reached its last step. */
export async function isComplete({ checkpoints }: RunFolder, steps: number): Promise<boolean> {
  const newest = (await listCheckpoints(checkpoints)).at(-1);
  return newest !== undefined && newest.step >= steps;
}
