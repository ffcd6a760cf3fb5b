/** Files of a source that are not read as images. */
import { extname } from 'node:path';

/** Files of one extension that are not read for one reason. */
export interface LeftOut {
  /** In words after "are", such as `hidden`. */
  readonly reason: string;
  /** In lower case with its dot; empty where the names have none. */
  readonly extension: string;
  readonly count: number;
  /** The first of them. */
  readonly example: string;
}

/** The sums of several counts, as for the shards of a data set. */
export function sumLeftOut(counts: Iterable<LeftOut>): LeftOut[] {
  const sums = new Map<string, LeftOut>();
  for (const one of counts) {
    const key = `${one.reason}/${one.extension}`;
    const { count, example } = sums.get(key) ?? { count: 0, example: one.example };
    sums.set(key, { ...one, count: count + one.count, example });
  }
  return [...sums.values()];
}

/** Files by reason and extension, in the order of their first. */
export function countLeftOut(files: Iterable<readonly [file: string, reason: string]>): LeftOut[] {
  return sumLeftOut(
    Array.from(files, ([file, reason]) => ({
      reason,
      extension: extname(file).toLowerCase(),
      count: 1,
      example: file,
    })),
  );
}
