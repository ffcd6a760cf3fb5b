/** Download of one file into the cache: continued after a cut, and checked against the hash that the hub lists. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { takeLock } from '@ahpa/file-lock';
import { userError } from '@ahpa/messages';
import { downloadFile, type ListFileEntry } from '@huggingface/hub';
import type { RepoCache } from './cache.ts';

/** Server and token. */
export interface HubAccess {
  readonly hubUrl: string;
  readonly accessToken?: string;
}

/** A file of a commit. */
export interface HubFile {
  readonly repo: string;
  readonly commit: string;
  readonly entry: ListFileEntry;
}

/** Tries in a row without a byte before a download is given up. */
const PATIENCE = 3;

/**
 * Link of a file in its snapshot, its content downloaded unless the cache has it; `onBytes` is called with the bytes so far.
 * @throws Error where the hub lists no usable hash or path, the content has another hash, or three tries in a row bring nothing
 */
export async function downloadTo(
  cache: RepoCache,
  file: HubFile,
  access: HubAccess,
  onBytes: (done: number) => void,
): Promise<void> {
  const { entry, commit } = file;
  const link = join(cache.snapshot(commit), ...entry.path.split('/'));
  if (existsSync(link)) return;
  const etag = entry.lfs?.oid ?? entry.oid;
  if (etag === undefined || !/^[0-9a-f]{40,64}$/.test(etag) || entry.path.split('/').includes('..'))
    throw userError(
      `The hub lists ${file.repo}/${entry.path} without a hash or with a path out of its folder.`,
    );
  const blob = cache.blob(etag);
  await mkdir(dirname(blob), { recursive: true });
  const lock = await takeLock(`${blob}.lock`, () => undefined);
  try {
    if (!existsSync(blob)) await fetchBlob(blob, file, access, onBytes);
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(relative(dirname(link), blob), link);
  } finally {
    await lock.release();
  }
}

async function fetchBlob(
  blob: string,
  { repo, commit, entry }: HubFile,
  access: HubAccess,
  onBytes: (done: number) => void,
): Promise<void> {
  const partial = `${blob}.incomplete`;
  const content = await downloadFile({ ...access, repo, path: entry.path, revision: commit });
  if (content === null) throw userError(`There is no ${entry.path} in ${repo} any more.`);
  let done = await fileSize(partial);
  for (let left = PATIENCE; done < content.size || !existsSync(partial); ) {
    try {
      await append(partial, done === 0 ? content : content.slice(done), (bytes) => onBytes(done + bytes));
    } catch (error) {
      const now = await fileSize(partial);
      left = now > done ? PATIENCE : left - 1;
      if (left === 0) throw error;
    }
    done = await fileSize(partial);
  }
  await verify(partial, `${repo}/${entry.path}`, entry);
  await rename(partial, blob);
}

async function append(path: string, content: Blob, onBytes: (bytes: number) => void): Promise<void> {
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      onBytes(bytes);
      yield chunk;
    }
  }
  const body = Readable.fromWeb(content.stream() as ReadableStream);
  await pipeline(body, counted, createWriteStream(path, { flags: 'a' }));
}

const fileSize = async (path: string): Promise<number> => (existsSync(path) ? (await stat(path)).size : 0);

/** Check against the SHA-256 of large files and git's hash of the others; a file that differs is deleted. */
async function verify(path: string, name: string, { lfs, oid, size }: ListFileEntry): Promise<void> {
  const wanted = lfs?.oid ?? oid;
  const hash = lfs ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const found = hash.digest('hex');
  if (found === wanted) return;
  await rm(path);
  throw userError(`${name} arrived with the hash ${found}, wanted ${wanted}: it was deleted, try again.`);
}
