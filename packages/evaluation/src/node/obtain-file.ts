/** Files by path, or by URL through a cache folder. */
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { type Reporter, userError } from '@ahpa/messages';
import { sha256File } from './hash-file.ts';

async function download(url: string, path: string): Promise<void> {
  const answer = await fetch(url);
  if (!answer.ok || answer.body === null)
    throw userError(`${url} could not be downloaded (${answer.status} ${answer.statusText}): check the URL.`);
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(path));
}

/**
 * Path of `file`; a URL is downloaded into `folder` once.
 * @throws where a URL comes without `sha256`, cannot be downloaded, or has another hash.
 */
export async function obtainFile(
  file: string,
  sha256: string | undefined,
  folder: string,
  reporter: Reporter,
): Promise<string> {
  if (!/^https?:/.test(file)) return file;
  if (!sha256 || !/^[0-9a-f]{64}$/i.test(sha256))
    throw userError(`${file} is downloaded only with the SHA-256 it must have: add --sha256 HEX.`);
  const name = `${sha256.slice(0, 12).toLowerCase()}-${basename(new URL(file).pathname)}`;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  reporter.say(`Downloading ${file}.`);
  try {
    await download(file, partial);
    const found = await sha256File(partial);
    if (found !== sha256.toLowerCase())
      throw userError(`${file} has the sha256 ${found}, wanted ${sha256}: it is another file, or damaged.`);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}
