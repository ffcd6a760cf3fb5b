/**
 * Crash-safe writing of a cache: records go to the shard files, a journal line records which of them are synced, and the index comes
 * last. Opening the same folder with the same plan resumes after the last line.
 */
import type { Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, readIndex, readPlan, sha256, syncFolder, writeWhole } from './files.ts';
import { checkWritten } from './finite.ts';
import {
  type CacheIndex,
  type CachePlan,
  type Dropped,
  FILES,
  type Progress,
  recordBytes,
  type Shard,
  shardFile,
} from './layout.ts';
import { readProgress } from './progress.ts';
import { differences } from './recipe.ts';

/** Interval of syncs: the most work that a kill can lose, in ms. */
const SYNC_MS = 5000;

/** Records made of the next images of the source. */
export interface Chunk {
  /** The image of every record, ascending. */
  readonly rows: readonly number[];
  /** The image after the last of this chunk. */
  readonly until: number;
  /** The records' bytes of every field. */
  readonly data: Readonly<Record<string, Uint8Array>>;
  readonly dropped: readonly Dropped[];
}

/** A cache that is being written. */
export interface CacheWriter {
  /** Index of the next image of the source to append. */
  position(): number;
  /** Images left out so far. */
  dropped(): readonly Dropped[];
  append(chunk: Chunk): Promise<void>;
  /** Writes the index; every image must have been appended. */
  finish(): Promise<CacheIndex>;
  /** Syncs appended records, so that another writer can resume. */
  close(): Promise<void>;
}

interface OpenShard {
  readonly file: FileHandle;
  readonly hash: Hash;
}

/** Checks that a folder is empty or was begun by the same plan, and writes plan and attachments where they are missing. */
async function begin(
  folder: string,
  plan: CachePlan,
  attachments: Readonly<Record<string, Uint8Array>>,
): Promise<void> {
  const before = await readPlan(folder);
  if (before === undefined) {
    for (const [name, bytes] of Object.entries(attachments)) await writeWhole(join(folder, name), bytes);
    return writeWhole(join(folder, FILES.plan), `${JSON.stringify(plan, null, 2)}\n`);
  }
  const [difference] = differences(before, plan);
  if (difference !== undefined)
    throw new Error(
      `${folder} was begun as another cache: its ${difference}; choose another folder or remove this one.`,
    );
}

/** The plan of a cache with the hashes of its attachments. */
export function cachePlan(
  contents: Omit<CachePlan, 'kind' | 'version' | 'attachments'>,
  attachments: Readonly<Record<string, Uint8Array>>,
): CachePlan {
  const hashes = Object.entries(attachments).map(([name, bytes]) => [name, sha256(bytes)]);
  return { kind: 'ahpa-latent-cache', version: 1, ...contents, attachments: Object.fromEntries(hashes) };
}

/**
 * Opens a folder to write the cache of a plan; resumes an interrupted one. Only one process may write to a folder at a time.
 * @throws Error where the folder holds a finished cache, another plan or a damaged journal
 */
export async function openWriter(
  folder: string,
  plan: CachePlan,
  attachments: Readonly<Record<string, Uint8Array>>,
): Promise<CacheWriter> {
  await mkdir(folder, { recursive: true });
  if (await readIndex(folder))
    throw new Error(`${folder} holds a finished cache: choose another folder or remove this one.`);
  await begin(folder, plan, attachments);
  return resume(folder, plan);
}

/** The open files of the shard after `progress`, cut to the synced length. */
async function openShard(
  folder: string,
  plan: CachePlan,
  { records, shards }: Progress,
): Promise<OpenShard[]> {
  const begun = records - shards.length * plan.shardRecords;
  const files: OpenShard[] = [];
  for (const field of plan.fields) {
    const path = join(folder, shardFile(field.name, shards.length));
    const length = begun * recordBytes(field);
    const file = await open(path, 'a');
    const { size } = await file.stat();
    if (size < length)
      throw new Error(
        `${path} has ${size} bytes, wanted ${length}: remove the folder and make the cache again.`,
      );
    await file.truncate(length);
    files.push({ file, hash: await hashFile(path, length) });
  }
  return files;
}

/** A writer's open files and its progress. */
interface Session {
  readonly folder: string;
  readonly plan: CachePlan;
  readonly journal: FileHandle;
  /** Files of the current shard; none between shards. */
  files: OpenShard[];
  /** Progress recorded in the journal. */
  certain: Progress;
  /** Progress since. */
  fresh: { position: number; records: number; dropped: Dropped[]; shards: Shard[] };
  syncedAt: number;
}

async function resume(folder: string, plan: CachePlan): Promise<CacheWriter> {
  const certain = await readProgress(folder);
  const files = await openShard(folder, plan, certain);
  const journal = await open(join(folder, FILES.progress), 'a');
  await syncFolder(folder);
  const fresh = { position: certain.position, records: certain.records, dropped: [], shards: [] };
  const session: Session = { folder, plan, journal, files, certain, fresh, syncedAt: performance.now() };
  return {
    position: () => session.fresh.position,
    dropped: () => [...session.certain.dropped, ...session.fresh.dropped],
    append: (chunk) => append(session, chunk),
    finish: () => finish(session),
    close: () => close(session),
  };
}

async function append(session: Session, chunk: Chunk): Promise<void> {
  const { plan, fresh } = session;
  let dropped = chunk.dropped;
  const advance = (position: number): void => {
    session.fresh.position = position;
    session.fresh.dropped.push(...dropped.filter(({ row }) => row < position));
    dropped = dropped.filter(({ row }) => row >= position);
  };
  if (chunk.until < fresh.position)
    throw new RangeError(`append: images up to ${chunk.until} were appended before.`);
  checkWritten(plan.fields, chunk.rows, chunk.data);
  for (let from = 0; from < chunk.rows.length; ) {
    const room = plan.shardRecords - (session.fresh.records % plan.shardRecords);
    const until = Math.min(from + room, chunk.rows.length);
    await write(session, chunk, from, until);
    advance(until === chunk.rows.length ? chunk.until : (chunk.rows[until - 1] as number) + 1);
    if (until - from === room) await endShard(session);
    from = until;
  }
  advance(chunk.until);
  if (performance.now() - session.syncedAt > SYNC_MS) await sync(session);
}

/** Appends the records `from` to `until` of a chunk to the current shard, which they fit into. */
async function write(session: Session, { rows, data }: Chunk, from: number, until: number): Promise<void> {
  const { folder, plan, certain } = session;
  if (session.files.length === 0) session.files = await openShard(folder, plan, certain);
  for (const [i, field] of plan.fields.entries()) {
    const [bytes, stride] = [data[field.name], recordBytes(field)];
    if (bytes?.length !== rows.length * stride)
      throw new RangeError(
        `append: ${field.name} has ${bytes?.length} bytes, wanted ${rows.length * stride}.`,
      );
    const part = bytes.subarray(from * stride, until * stride);
    const { file, hash } = session.files[i] as OpenShard;
    await file.appendFile(part);
    hash.update(part);
  }
  session.fresh.records += until - from;
}

/** Syncs the files, then records it in the journal. */
async function sync(session: Session): Promise<void> {
  const { files, journal, certain, fresh } = session;
  for (const { file } of files) await file.datasync();
  await journal.appendFile(`${JSON.stringify(fresh)}\n`);
  await journal.datasync();
  const dropped = [...certain.dropped, ...fresh.dropped];
  session.certain = { ...fresh, dropped, shards: [...certain.shards, ...fresh.shards] };
  session.fresh = { ...fresh, dropped: [], shards: [] };
  session.syncedAt = performance.now();
}

async function endShard(session: Session): Promise<void> {
  const { files, plan, certain, fresh } = session;
  const hashes = plan.fields.map(({ name }, i) => [name, (files[i] as OpenShard).hash.digest('hex')]);
  const records = fresh.records - certain.shards.length * plan.shardRecords;
  fresh.shards.push({ records, sha256: Object.fromEntries(hashes) });
  await sync(session);
  session.files = [];
  for (const { file } of files) await file.close();
}

async function finish(session: Session): Promise<CacheIndex> {
  const { folder, plan, fresh } = session;
  if (fresh.position !== plan.items)
    throw new Error(`${folder}: ${fresh.position} of ${plan.items} images were appended, wanted all.`);
  if (fresh.records % plan.shardRecords > 0) await endShard(session);
  else await sync(session);
  const { records: count, shards, dropped } = session.certain;
  const index = { ...plan, count, shards, dropped };
  await writeWhole(join(folder, FILES.index), `${JSON.stringify(index, null, 2)}\n`);
  await close(session);
  await rm(join(folder, FILES.progress));
  return index;
}

async function close(session: Session): Promise<void> {
  if (session.files.length > 0) await sync(session);
  for (const { file } of session.files) await file.close();
  await session.journal.close();
}
