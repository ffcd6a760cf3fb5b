/** Files that are whole or absent, and their hashes. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { DamagedCacheError } from './damaged-cache-error.ts';
import { type CacheIndex, type CachePlan, FILES, SCHEMAS } from './layout.ts';

/** SHA-256 of bytes, in hexadecimal. */
export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Writes a file through a temporary one, synced before it gets its name. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Syncs a folder, so that new names survive a crash, where the system supports it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/** SHA-256 of a file's first `length` bytes; `onBytes` is called with the number of bytes read. */
export async function hashFile(
  path: string,
  length: number,
  onBytes?: (count: number) => void,
): Promise<Hash> {
  const hash = createHash('sha256');
  if (length === 0) return hash;
  for await (const piece of createReadStream(path, { end: length - 1, highWaterMark: 1 << 20 })) {
    hash.update(piece as Uint8Array);
    onBytes?.((piece as Uint8Array).length);
  }
  return hash;
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new DamagedCacheError(`${path} is damaged or of another version: make the cache again.`, { cause });
  }
}

/** The plan of a cache, finished or not; undefined where there is none. @throws DamagedCacheError where it cannot be read. */
export const readPlan = (folder: string): Promise<CachePlan | undefined> =>
  readJson(join(folder, FILES.plan), SCHEMAS.plan);

/** The index of a finished cache; undefined where there is none. @throws DamagedCacheError where it cannot be read. */
export const readIndex = (folder: string): Promise<CacheIndex | undefined> =>
  readJson(join(folder, FILES.index), SCHEMAS.index);

/**
 * The bytes of a file beside the shards.
 * @throws DamagedCacheError where its hash differs from the plan
 */
export async function readAttachment(folder: string, plan: CachePlan, name: string): Promise<Uint8Array> {
  const path = join(folder, name);
  const bytes = await readFile(path);
  if (sha256(bytes) === plan.attachments[name]) return bytes;
  throw new DamagedCacheError(
    `${path} is damaged (its SHA-256 differs from the plan): make the cache again.`,
  );
}
