/** Images that cannot be decoded: left out by name, as long as they are few. */
import type { Dropped } from '@ahpa/latent-cache';
import { isUserError, userError } from '@ahpa/messages';
import type { ImageDataset } from './image-dataset.ts';

/** Share of the images that may be bad. */
const MAX_BAD = 0.05;

/** Bad images that are left out whatever their share. */
const FEW = 5;

/** Bounds on bad images. */
export interface BadImageOptions {
  /** Whether the first bad image is an error; default false. */
  readonly strict?: boolean | undefined;
  /** Share of the images that may be bad, default 0.05; five are never too many, all of them always are. */
  readonly maxBad?: number | undefined;
}

/** The bad ones of images `rows`. @throws an error the user can fix where one could not be read at all, which says nothing about it. */
export function badImages(
  results: readonly PromiseSettledResult<unknown>[],
  rows: ArrayLike<number>,
  { names }: Pick<ImageDataset, 'names'>,
): Dropped[] {
  return results.flatMap((one, i): Dropped[] => {
    if (one.status === 'fulfilled') return [];
    const error = one.reason as Error;
    if (isUserError(error)) throw error;
    const row = rows[i] as number;
    return [
      {
        row,
        name: names[row] as string,
        reason: String(error.message ?? error)
          .trim()
          .replace(/\.$/, ''),
      },
    ];
  });
}

/**
 * Checks that those of the first `done` images that are bad are few.
 * @throws an error the user can fix, with the first reasons, where they are more than the options allow
 */
export function assertFewBad(
  bad: readonly Dropped[],
  { path, names }: Pick<ImageDataset, 'path' | 'names'>,
  done: number,
  { strict = false, maxBad = MAX_BAD }: BadImageOptions,
): void {
  const [first] = bad;
  if (first === undefined) return;
  if (strict)
    throw userError(
      `${path}: ${first.name} is bad (${first.reason}): put a good file in its place or leave --strict out, and run the command again; without the file the images are others, so that the cache needs another folder.`,
    );
  const allowed = Math.min(Math.max(FEW, Math.floor(maxBad * names.length)), names.length - 1);
  if (bad.length <= allowed) return;
  const what = bad.length === names.length ? 'all' : `${bad.length} of the first ${done}`;
  throw userError(
    `${path}: ${what} of its ${names.length} images are bad, wanted at most ${allowed}; the first is ${first.name} (${first.reason}): check the files, or let ahpa extract leave more of them out with --max-bad.`,
  );
}
