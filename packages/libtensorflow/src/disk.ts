/** Disk space, and file system errors as one sentence about the cache folder. */
import { statfs } from 'node:fs/promises';
import { userError } from '@ahpa/messages';

/** Bytes as gigabytes with one decimal. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const MENDABLE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  EACCES: 'access is denied',
  EPERM: 'access is denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
};

/** File system errors as one sentence about the cache folder; other errors as they are. */
export function explainDisk(cause: unknown, folder: string): unknown {
  const reason = MENDABLE[(cause as NodeJS.ErrnoException).code ?? ''];
  if (!reason) return cause;
  return userError(
    `The cache folder ${folder} cannot be written, ${reason}: set LIBTENSORFLOW_CACHE to a folder that can.`,
    { cause },
  );
}

/**
 * Checks the free space of the disk of `folder`, in bytes.
 * @throws Error (user error) where it is less than `needed`
 */
export async function checkSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  throw userError(
    `The disk of ${folder} has ${gigabytes(free)} free and TensorFlow's library needs ${gigabytes(needed)}: free some space, or set LIBTENSORFLOW_CACHE to a folder on another disk.`,
  );
}
