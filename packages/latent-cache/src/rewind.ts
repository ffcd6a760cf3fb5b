/** Putting a cache back, so that it is written again from one of its images on. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIndex, readPlan, syncFolder, writeWhole } from './files.ts';
import { type CachePlan, type Dropped, FILES, type Progress } from './layout.ts';
import { readProgress } from './progress.ts';

/** Images that a cache, finished or not, has left out so far. */
export const droppedImages = async (folder: string): Promise<readonly Dropped[]> =>
  ((await readIndex(folder)) ?? (await readProgress(folder))).dropped;

/**
 * Makes a cache unfinished from image `row` of the source on: the records before it are kept, and the next writer goes on with it, so
 * that records keep the order of the source. A kill leaves the cache as it was or as it is then.
 * @throws DamagedCacheError where its plan, index or journal cannot be read
 */
export async function rewindCache(folder: string, row: number): Promise<void> {
  const { shardRecords } = (await readPlan(folder)) as CachePlan;
  const { dropped, shards } = (await readIndex(folder)) ?? (await readProgress(folder));
  const before = dropped.filter((one) => one.row < row);
  const records = row - before.length;
  const whole = shards.slice(0, Math.floor(records / shardRecords));
  const progress: Progress = { position: row, records, dropped: before, shards: whole };
  await writeWhole(join(folder, FILES.progress), `${JSON.stringify(progress)}\n`);
  await rm(join(folder, FILES.index), { force: true });
  await syncFolder(folder);
}
