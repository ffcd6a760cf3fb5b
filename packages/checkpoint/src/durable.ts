/** Atomic writes: a name never refers to half a file, even if the process or the machine dies. */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Longest piece that one call writes. */
const PIECE_BYTES = 1 << 30;

/** Suffix of a file that is being written. */
export const PARTIAL = '.partial';

/**
 * Writes `chunks` one after the other into `path`, whose folder is made if missing: `path.partial`, fsync, rename, fsync of the folder.
 * A partial file left by a kill is ignored, and overwritten by the next write of the same file.
 * @throws the file system's error; the partial file is removed
 */
export async function writeDurably(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const folder = dirname(path);
  const partial = path + PARTIAL;
  await mkdir(folder, { recursive: true });
  try {
    const file = await open(partial, 'w');
    await writeAll(file, chunks)
      .then(() => file.sync())
      .finally(() => file.close());
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, done, Math.min(chunk.length - done, PIECE_BYTES));
      done += bytesWritten;
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
