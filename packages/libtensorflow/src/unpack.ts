/** Unpacks chosen files of wheels, which are zip archives, streaming and synced to disk. */
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl, { type Entry, type ZipFile } from 'yauzl';

/** An archive and the paths to unpack. */
export interface Selection {
  readonly path: string;
  readonly keep: RegExp;
}

interface OpenArchive {
  readonly zip: ZipFile;
  readonly entries: readonly Entry[];
}

function openArchive({ path, keep }: Selection): Promise<OpenArchive> {
  return new Promise((resolve, reject) => {
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) return reject(error);
      const entries: Entry[] = [];
      zip.on('error', reject);
      zip.on('end', () => resolve({ zip, entries }));
      zip.on('entry', (entry: Entry) => {
        if (keep.test(entry.fileName) && !entry.fileName.endsWith('/')) entries.push(entry);
        zip.readEntry();
      });
      zip.readEntry();
    });
  });
}

const contents = (zip: ZipFile, entry: Entry): Promise<Readable> =>
  new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });

/** Makes a rename or a new file in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

async function writeEntry(
  zip: ZipFile,
  entry: Entry,
  folder: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const path = join(folder, entry.fileName);
  await mkdir(dirname(path), { recursive: true });
  const source = await contents(zip, entry);
  source.on('data', (chunk: Buffer) => onBytes(chunk.length));
  const executable = (entry.externalFileAttributes >>> 16) & 0o111;
  await pipeline(source, createWriteStream(path, { mode: executable ? 0o755 : 0o644, flush: true }));
}

/**
 * Unpacks the selected files into `folder` under their own paths, and calls `done` after each archive.
 * Returns the size of each file by its path.
 * @throws Error (user error) where an archive is damaged or the disk is full
 */
export async function unpack(
  archives: readonly Selection[],
  folder: string,
  onProgress: (done: number, total: number) => void,
  done: (archive: Selection) => Promise<void>,
): Promise<Record<string, number>> {
  const opened = await Promise.all(archives.map(openArchive));
  const total = opened
    .flatMap(({ entries }) => entries)
    .reduce((sum, entry) => sum + entry.uncompressedSize, 0);
  const sizes: Record<string, number> = {};
  let written = 0;
  for (const [index, { zip, entries }] of opened.entries()) {
    try {
      for (const entry of entries) {
        await writeEntry(zip, entry, folder, (bytes) => {
          written += bytes;
          onProgress(written, total);
        });
        sizes[entry.fileName] = entry.uncompressedSize;
      }
    } finally {
      zip.close();
    }
    await done(archives[index] as Selection);
  }
  return sizes;
}
