/** Size of a cache against the room on its disk. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CachePlan, plannedBytes } from '@ahpa/latent-cache';
import { type Reporter, userError } from '@ahpa/messages';

/** Free space that is left alone. */
const SPARE_BYTES = 64 << 20;

/** Reports the size of a cache that is written from record `position` on. @throws where the disk has no room for it. */
export async function checkSpace(
  out: string,
  plan: CachePlan,
  position: number,
  reporter: Reporter,
): Promise<void> {
  const bytes = plannedBytes(plan);
  const left = bytes * (1 - position / Math.max(plan.items, 1));
  const { bavail, bsize } = await statfs(out).catch(() => statfs(dirname(out)));
  const free = bavail * bsize;
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  const perImage = `${(bytes / Math.max(plan.items, 1) / 1e3).toFixed(1)} kB an image`;
  reporter.say(
    position > 0
      ? `Continuing ${out} after ${position} of ${plan.items} images, ${megabytes(left)} to go.`
      : `${out} will hold ${plan.items} images in ${megabytes(bytes)}, ${perImage}; ${megabytes(free)} are free.`,
  );
  if (left + SPARE_BYTES > free)
    throw userError(
      `${out} needs ${megabytes(left)} more and the disk has ${megabytes(free)}: free some space, or choose fewer groups, fewer components or another folder.`,
    );
}
