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
  const found = new Map<string, LeftOut>();
  for (const [file, reason] of files) {
    const extension = extname(file).toLowerCase();
    const key = `${reason}/${extension}`;
    const { count, example } = found.get(key) ?? { count: 0, example: file };
    found.set(key, { reason, extension, count: count + 1, example });
  }
  return [...found.values()];
}
