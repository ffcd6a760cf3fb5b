/** Parquet files and WebDataset shards in a folder. */
import { IMAGE } from './formats.ts';
import { isSplit } from './layout.ts';
import { countLeftOut, type LeftOut } from './left-out.ts';
import { LABEL_LISTS } from './listed-labels.ts';

/** Files of one kind that hold images, beside others. */
export interface Containers {
  readonly kind: 'parquet' | 'tar';
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

/**
 * The Parquet files, or else the shards, among the files of a folder; undefined where there are none, or the images lie
 * there as files in class folders or beside a list of labels.
 * @throws Error where none is within the part that is asked for
 */
export function findContainers(
  files: readonly string[],
  path: string,
  within?: string,
): Containers | undefined {
  const kind = (['parquet', 'tar'] as const).find((one) => files.some((file) => file.endsWith(`.${one}`)));
  const isTree = (file: string): boolean =>
    LABEL_LISTS.includes(file) || (IMAGE.test(file) && file.includes('/'));
  if (kind === undefined || files.some(isTree)) return undefined;
  const all = files.filter((file) => file.endsWith(`.${kind}`));
  const chosen = within === undefined ? all : all.filter((file) => isWithin(file, within));
  if (chosen.length === 0)
    throw new Error(
      `${path}: no .${kind} file is within ${within}, wanted one of ${all.slice(0, 8).join(', ')}.`,
    );
  const others = files.filter((file) => !file.endsWith(`.${kind}`));
  const parts = [...new Set(chosen.map(partOf))];
  const mixed = `The .${kind} files are of the parts ${parts.join(', ')}, and all are read: choose one with --within (data.within).`;
  return {
    kind,
    files: chosen,
    leftOut: countLeftOut(others.map((file) => [file, `beside the .${kind} files`])),
    notes: parts.length > 1 && !parts.includes(undefined) ? [mixed] : [],
  };
}
