/** Disk space for checkpoints, checked before anything is computed. */
import { statfs } from 'node:fs/promises';
import { userError } from '@ahpa/messages';
import { flatten } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';

/**
 * Check that the disk of `folder` can take one more checkpoint of `state`.
 * @throws where it has too little space
 */
export async function assertDiskSpace(folder: string, state: Tree): Promise<void> {
  const wanted = flatten(state).reduce((bytes, { size }) => bytes + 4 * size, 0);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= wanted) return;
  const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  throw userError(
    `No space is left on the disk of ${folder} for a checkpoint: it has ${mega(free)} free, wanted ${mega(wanted)}; free some space or choose another folder.`,
  );
}
