/** Memory-mapped files: the system loads pages on access, and drops them when it needs memory. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import koffi from 'koffi';
import { DamagedCacheError } from './damaged-cache-error.ts';

/** A file's bytes, read-only; not to be used after `unmap`. */
export interface MappedFile {
  readonly bytes: Uint8Array;
  unmap(): void;
}

const [PROT_READ, MAP_SHARED] = [1, 1]; // the same on Linux and macOS
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

interface Native {
  mmap(
    address: null,
    length: number,
    protection: number,
    flags: number,
    file: number,
    offset: number,
  ): unknown;
  munmap(address: unknown, length: number): number;
}

let native: Native | undefined;

function libc(): Native {
  const library = koffi.load(null);
  native ??= {
    mmap: library.func('void *mmap(void *, size_t, int, int, int, int64_t)') as Native['mmap'],
    munmap: library.func('int munmap(void *, size_t)') as Native['munmap'],
  };
  return native;
}

/**
 * Maps a file whose size must be `size`; on Windows it is read instead. Truncating the file while it is mapped crashes the process.
 * @throws Error where the size differs or the file cannot be mapped
 */
export function mapFile(path: string, size: number): MappedFile {
  const file = openSync(path, 'r');
  try {
    const { size: found } = fstatSync(file);
    if (found !== size)
      throw new DamagedCacheError(
        `${path} has ${found} bytes, wanted ${size}: the cache is damaged, make it again.`,
      );
    if (size === 0 || process.platform === 'win32')
      return { bytes: readFileSync(file), unmap: () => undefined };
    const { mmap, munmap } = libc();
    const address = mmap(null, size, PROT_READ, MAP_SHARED, file, 0);
    if (BigInt(koffi.address(address)) === MAP_FAILED)
      throw new Error(`${path} cannot be mapped into memory.`);
    const bytes = new Uint8Array(koffi.view(address, size));
    return { bytes, unmap: () => void munmap(address, size) };
  } finally {
    closeSync(file);
  }
}
