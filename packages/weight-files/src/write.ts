/** Writing to disk: large pieces, and atomic files. */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { PIECE_BYTES } from './source.ts';

/** Writes all of `bytes` from `position` on. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const piece = Math.min(bytes.length - done, PIECE_BYTES);
    done += (await file.write(bytes, done, piece, position + done)).bytesWritten;
  }
}

async function writeChunks(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let at = 0;
  for (const chunk of chunks) {
    await writeAt(file, chunk, at);
    at += chunk.length;
  }
  await file.sync();
}

/**
 * Writes a file under a temporary name and renames it, so that `path` never holds half a file.
 * @throws the file system's error; the temporary file is removed
 */
export async function writeWhole(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    const file = await open(partial, 'w');
    await writeChunks(file, chunks).finally(() => file.close());
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
