/** Byte sources of weight files: an open file or memory, read by position and never past the end. */
import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of known length; `name` names them in errors. */
export interface Source {
  readonly name: string;
  readonly size: number;
  /** The `length` bytes from `position` on. Rejects where the source has fewer. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** A source on an open file, which the caller closes. */
export interface FileSource extends Source {
  close(): Promise<void>;
}

/** Longest single read or write, below the limit of the system calls. */
export const PIECE_BYTES: number = 1 << 30;

function checkRange(source: Omit<Source, 'read'>, position: number, length: number): void {
  if (!(position >= 0 && length >= 0 && position + length <= source.size)) {
    throw new Error(
      `${source.name}: the file names bytes ${position} to ${position + length}, wanted a range within its ${source.size}.`,
    );
  }
}

async function readPieces(
  file: FileHandle,
  name: string,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const piece = Math.min(length - done, PIECE_BYTES);
    const { bytesRead } = await file.read(bytes, done, piece, position + done);
    if (bytesRead === 0)
      throw new Error(
        `${name}: the file ended at byte ${position + done}, wanted ${position + length}; it is being changed.`,
      );
    done += bytesRead;
  }
  return bytes;
}

/**
 * Opens a file; each read returns new memory.
 * @throws the file system's error
 */
export async function openSource(path: string): Promise<FileSource> {
  const file = await open(path, 'r');
  try {
    const known = { name: path, size: (await file.stat()).size };
    const read = async (position: number, length: number): Promise<Uint8Array> => {
      checkRange(known, position, length);
      return readPieces(file, path, position, length);
    };
    return { ...known, read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A source in memory; reads are views of `bytes`. */
export function bytesSource(bytes: Uint8Array, name: string): Source {
  const known = { name, size: bytes.length };
  const read = async (position: number, length: number): Promise<Uint8Array> => {
    checkRange(known, position, length);
    return bytes.subarray(position, position + length);
  };
  return { ...known, read };
}
