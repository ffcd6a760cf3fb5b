/** Parquet files and WebDataset shards in a folder. */
import { IMAGE } from './formats.ts';
import { isSplit } from './layout.ts';
import { countLeftOut, type LeftOut } from './left-out.ts';
import { LABEL_LISTS } from './listed-labels.ts';
import { TAR } from './open-archive.ts';

/** Names of Parquet files. */
export const PARQUET: RegExp = /\.parquet$/i;

/** Files of one kind that hold images, beside others. */
export interface Containers {
  /** Paths in the folder, sorted. */
  readonly files: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** Sentences about the choice. */
  readonly notes: readonly string[];
}

/** Name of a container as images have it: its path, less the folder `data` of Hugging Face's repositories. */
export const containerName = (file: string): string => file.replace(/^data\//, '');

/** Whether a container lies in a folder of the name, or its own name or path begins with it. */
function isWithin(file: string, within: string): boolean {
  const parts = file.split('/');
  return file.startsWith(within) || (parts.pop() as string).startsWith(within) || parts.includes(within);
}

/** The part of a data set that a container's folder or name says, if any. */
const partOf = (file: string): string | undefined =>
  file
    .split(/[/._-]/)
    .find((word) => isSplit(word))
    ?.toLowerCase();

/** The folder that Parquet files and shards lie in, or its `data`, as Hugging Face has it; elsewhere they may be strays. */
const isNear = (file: string): boolean => /^(data\/)?[^/]+$/.test(file);

/** Whether images lie as files in several class folders or beside a list of labels. */
const isTree = (files: readonly string[], images: readonly string[]): boolean =>
  LABEL_LISTS.some((list) => files.includes(list)) ||
  new Set(images.filter((file) => file.includes('/')).map((file) => file.split('/')[0])).size > 1;

/**
 * The Parquet files, or else the shards, among the files of a folder, first those in it or its `data`; undefined where
 * there are none, images lie there in several class folders or beside a list of labels, or other images than these.
 * @throws Error where none is within the part that is asked for
 */
export function findContainers(
  files: readonly string[],
  path: string,
  within?: string,
): Containers | undefined {
  const images = files.filter((file) => IMAGE.test(file));
  const all = files.filter(
    (file) => (PARQUET.test(file) || TAR.test(file)) && (isNear(file) || !images.length),
  );
  if (all.length === 0 || isTree(files, images)) return undefined;
  const chosen = within === undefined ? all : all.filter((file) => isWithin(file, within));
  if (chosen.length === 0) {
    if (images.length > 0) return undefined;
    throw new Error(
      `${path}: no Parquet file or shard is within ${within}, wanted one of ${all.slice(0, 8).join(', ')}.`,
    );
  }
  const near = chosen.some(isNear) ? chosen.filter(isNear) : chosen;
  const kind = near.some((file) => PARQUET.test(file)) ? PARQUET : TAR;
  const found = near.filter((file) => kind.test(file));
  const parts = [...new Set(found.map(partOf))];
  const what = kind === PARQUET ? 'Parquet files' : 'shards';
  const mixed = `The ${what} are of the parts ${parts.join(', ')}, and all are read: choose one with --within (data.within).`;
  const read = new Set(found);
  return {
    files: found,
    leftOut: countLeftOut(
      files.filter((file) => !read.has(file)).map((file) => [file, `beside the ${what} that are read`]),
    ),
    notes: parts.length > 1 && !parts.includes(undefined) ? [mixed] : [],
  };
}
