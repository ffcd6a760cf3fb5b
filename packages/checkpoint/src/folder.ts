/** A folder of checkpoints: listing, loading the newest valid one, rotation, verification. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Reporter, userError } from '@ahpa/messages';
import { type Checkpoint, loadCheckpoint } from './checkpoint.ts';
import { PARTIAL } from './durable.ts';

/** A checkpoint file by its name; its content is not verified. */
export interface CheckpointFile {
  readonly path: string;
  readonly step: number;
}

/** A file that was passed over, and why. */
export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

/** The newest valid checkpoint, and newer files that were not valid. */
export interface LatestCheckpoint extends Checkpoint {
  readonly skipped: readonly SkippedFile[];
}

/** Retention of checkpoints. */
export interface RotationConfig {
  /** Number of newest checkpoints; at least 1. */
  readonly keepLast: number;
  /** Also those whose step is a multiple of this; 0 for none. */
  readonly keepEvery: number;
}

const NAME = /^(\d{7,})\.safetensors$/;

/** Checkpoint files of a folder, oldest first; other files are ignored, a missing folder is empty. */
export async function listCheckpoints(folder: string): Promise<CheckpointFile[]> {
  const names = await namesIn(folder);
  const files = names.flatMap((name) => {
    const digits = NAME.exec(name)?.[1];
    return digits === undefined ? [] : [{ path: join(folder, name), step: Number(digits) }];
  });
  return files.sort((a, b) => a.step - b.step);
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

async function newestValid(
  files: readonly CheckpointFile[],
  skipped: SkippedFile[],
): Promise<Checkpoint | undefined> {
  for (const { path } of files.toReversed()) {
    try {
      return await loadCheckpoint(path);
    } catch (error) {
      skipped.push({ file: path, reason: (error as Error).message });
    }
  }
  return undefined;
}

/**
 * The newest valid checkpoint of a folder; an empty folder has none (see `listCheckpoints`).
 * @throws Error where no file is valid
 */
export async function loadLatest(folder: string): Promise<LatestCheckpoint> {
  const { latest, problem } = await searchFolder(folder);
  if (latest !== undefined) return latest;
  throw new Error(`loadLatest: no ${problem}`);
}

/**
 * The newest checkpoint of a folder that verifies, with a warning for each newer file that does not; undefined where there is no file.
 * @throws an error the user can fix where there are files and none verifies.
 */
export async function findLatest(
  folder: string,
  reporter: Pick<Reporter, 'warn'>,
): Promise<Checkpoint | undefined> {
  const { latest, count, problem } = await searchFolder(folder);
  if (count === 0) return undefined;
  if (latest === undefined) throw userError(`No ${problem}`);
  for (const { reason } of latest.skipped) reporter.warn(`Passing over a checkpoint: ${reason}`);
  if (latest.skipped.length > 0) reporter.warn(`Using ${latest.path}.`);
  return latest;
}

/** The newest checkpoint that verifies among `count` files, and what to report, after "no", where there is none. */
async function searchFolder(
  folder: string,
): Promise<{ readonly latest?: LatestCheckpoint; readonly count: number; readonly problem: string }> {
  const skipped: SkippedFile[] = [];
  const files = await listCheckpoints(folder);
  const checkpoint = await newestValid(files, skipped);
  const reasons = skipped.map(({ reason }) => `\n  ${reason}`).join('');
  const problem = `valid checkpoint among the ${files.length} in ${folder}; start a new run or restore a file.${reasons}`;
  return { ...(checkpoint && { latest: { ...checkpoint, skipped } }), count: files.length, problem };
}

/**
 * Deletes the checkpoints that `config` does not keep and resolves to their paths. The newest valid one always stays; to be sure of it,
 * files are verified from the newest back before anything is deleted, and nothing is when none is valid.
 * @throws RangeError where `keepLast` is below 1
 */
export async function rotate(folder: string, config: RotationConfig): Promise<string[]> {
  if (!(config.keepLast >= 1)) {
    throw new RangeError(`rotate: got keepLast ${config.keepLast}, wanted at least 1.`);
  }
  const files = await listCheckpoints(folder);
  const old = files.slice(0, Math.max(files.length - config.keepLast, 0));
  const isKept = (step: number): boolean => config.keepEvery > 0 && step % config.keepEvery === 0;
  const candidates = old.filter(({ step }) => !isKept(step));
  if (candidates.length === 0) return [];
  const newest = await newestValid(files, []);
  if (newest === undefined) return [];
  const removed = candidates.map(({ path }) => path).filter((path) => path !== newest.path);
  await Promise.all(removed.map((path) => rm(path)));
  return removed;
}

/** Report on every file of a folder. */
export interface FolderReport {
  readonly checkpoints: readonly (CheckpointFile & { readonly problem?: string })[];
  /** Files that are not finished checkpoints; never deleted. */
  readonly others: readonly SkippedFile[];
}

/** Verifies every checkpoint of a folder, oldest first, and lists the other files with a reason. */
export async function verifyFolder(folder: string): Promise<FolderReport> {
  const checkpoints = [];
  for (const file of await listCheckpoints(folder)) {
    const problem = await loadCheckpoint(file.path).then(
      () => undefined,
      (error: Error) => error.message,
    );
    checkpoints.push(problem === undefined ? file : { ...file, problem });
  }
  const known = new Set(checkpoints.map(({ path }) => path));
  const paths = (await namesIn(folder)).map((name) => join(folder, name)).filter((path) => !known.has(path));
  const others = paths.sort().map((file) => ({
    file,
    reason: file.endsWith(PARTIAL)
      ? 'a checkpoint whose writing was cut off; it goes when that step is saved again, or delete it'
      : 'not a checkpoint by its name (seven digits or more and .safetensors); left alone',
  }));
  return { checkpoints, others };
}
