/** Reads a whole cache again and compares it with its hashes. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, readIndex } from './files.ts';
import { type CacheIndex, recordBytes, shardFile } from './layout.ts';

/** Problem of a file, compared with its size and hash; undefined where there is none. */
async function findProblem(
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

/** Problems of a finished cache, one sentence per file; `onBytes` is called with the number of bytes read. */
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
    problems.push(await findProblem(join(folder, name), { sha256 }, () => undefined));
  for (const [i, shard] of index.shards.entries()) {
    for (const field of index.fields) {
      const wanted = { size: shard.records * recordBytes(field), sha256: shard.sha256[field.name] ?? '' };
      problems.push(await findProblem(join(folder, shardFile(field.name, i)), wanted, count));
    }
  }
  return problems.filter((problem) => problem !== undefined);
}

/** Bytes of all shards. */
export function totalBytes({ count, fields }: CacheIndex): number {
  return count * fields.reduce((sum, field) => sum + recordBytes(field), 0);
}
