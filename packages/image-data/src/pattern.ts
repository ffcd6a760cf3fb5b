/** Paths with braces, as WebDataset names the shards of a data set. */
import { existsSync } from 'node:fs';
import { expand } from 'brace-expansion';

/** More files than any data set has. */
const MOST = 100_000;

/**
 * The files of a pattern such as `train-{0000..0146}.tar`; undefined for a path that exists or has no braces.
 * @throws Error where one of them is missing
 */
export function expandPattern(path: string): string[] | undefined {
  if (!/\{.*\}/.test(path) || existsSync(path)) return undefined;
  const files = expand(path, { max: MOST });
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0)
    throw new Error(
      `${path}: ${missing.length} of ${files.length} files are missing, the first ${missing[0]}.`,
    );
  return files;
}

/** Names of files that tell them apart: the last parts of their paths, as few as are needed. */
export function shortNames(files: readonly string[]): string[] {
  const parts = files.map((file) => file.split(/[\\/]/));
  const deepest = Math.max(...parts.map(({ length }) => length));
  for (let count = 1; count <= deepest; count++) {
    const names = parts.map((part) => part.slice(-count).join('/'));
    if (new Set(names).size === names.length) return names;
  }
  return [...files];
}
