/** Reads a whole cache again and compares it with its hashes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, readIndex } from './files.ts';
import { type CacheIndex, recordBytes, shardFile } from './layout.ts';

/** What is wrong with the file of one name and size; undefined where nothing is. */
async function problemOf(
  path: string,
  wanted: { readonly size?: number; readonly sha256: string },
  onBytes: (count: number) => void,
): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return `${path} is missing`;
  if (wanted.size !== undefined && found.size !== wanted.size)
    return `${path} has ${found.size} bytes, wanted ${wanted.size}`;
  const hash = (await hashFile(path, found.size, onBytes)).digest('hex');
  return hash === wanted.sha256 ? undefined : `${path} is damaged (its SHA-256 differs from the index)`;
}

/** Everything that is wrong with a finished cache, one sentence a file; `onBytes` hears how many bytes were read. */
export async function verifyCache(
  folder: string,
  onBytes: (done: number, total: number) => void = () => undefined,
): Promise<string[]> {
  const index = await readIndex(folder);
  if (!index) return [`${folder} holds no finished cache`];
  const total = totalBytes(index);
  let done = 0;
  const count = (bytes: number): void => {
    done += bytes;
    onBytes(Math.min(done, total), total);
  };
  const problems: (string | undefined)[] = [];
  for (const [name, sha256] of Object.entries(index.attachments))
    problems.push(await problemOf(join(folder, name), { sha256 }, () => undefined));
  for (const [i, shard] of index.shards.entries()) {
    for (const field of index.fields) {
      const wanted = { size: shard.records * recordBytes(field), sha256: shard.sha256[field.name] ?? '' };
      problems.push(await problemOf(join(folder, shardFile(field.name, i)), wanted, count));
    }
  }
  return problems.filter((problem) => problem !== undefined);
}

/** Bytes of all shards. */
export function totalBytes({ count, fields }: CacheIndex): number {
  return count * fields.reduce((sum, field) => sum + recordBytes(field), 0);
}
