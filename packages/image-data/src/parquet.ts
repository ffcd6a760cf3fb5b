/** Images in Parquet files as Hugging Face writes them: a column of { bytes, path }, and one of labels. */
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { asyncBufferFromFile } from 'hyparquet/src/node.js';
import { compressors } from 'hyparquet-compressors';
import type { ColumnOptions } from './choose-column.ts';
import type { ImageSource } from './image-source.ts';
import type { LabelList, ListedLabels } from './label-list.ts';
import { indexedLabels, valueLabels } from './labels.ts';
import { listedLabels } from './listed-labels.ts';
import { type ParquetColumns, parquetColumns } from './parquet-columns.ts';

/** Row groups whose images are kept in memory. */
const KEPT_GROUPS = 4;

/** A file to open, and how the names of its images begin. */
export interface ContainerPath {
  readonly path: string;
  readonly name: string;
}

interface ParquetFile extends ContainerPath {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
}

/** Consecutive rows that are read together. */
interface RowGroup {
  readonly from: ParquetFile;
  readonly begin: number;
  readonly count: number;
}

async function openFile({ path, name }: ContainerPath): Promise<ParquetFile> {
  try {
    const file = await asyncBufferFromFile(path);
    return { path, name, file, metadata: await parquetMetadataAsync(file) };
  } catch (cause) {
    throw new Error(`${path}: the Parquet file cannot be read (${(cause as Error).message}).`, { cause });
  }
}

function listGroups(from: ParquetFile): RowGroup[] {
  let begin = 0;
  return from.metadata.row_groups.map(({ num_rows }) => {
    const count = Number(num_rows);
    begin += count;
    return { from, begin: begin - count, count };
  });
}

async function column(group: RowGroup, name: string): Promise<unknown[]> {
  const { from, begin, count } = group;
  try {
    const range = { rowStart: begin, rowEnd: begin + count };
    const rows = await parquetReadObjects({ ...from, ...range, columns: [name], compressors, utf8: false });
    return rows.map((row) => (row as Record<string, unknown>)[name]);
  } catch (cause) {
    throw new Error(`${from.path}: column "${name}" cannot be read (${(cause as Error).message}).`, {
      cause,
    });
  }
}

/** The labels of a column, or class 0 for all where there is none; `places` are the names of the rows. */
async function readLabels(
  groups: readonly RowGroup[],
  { label, classes, all }: ParquetColumns,
  path: string,
  places: readonly string[],
): Promise<ListedLabels> {
  if (label === undefined)
    return {
      ...indexedLabels(places.map(() => 0)),
      notes: [`There is no column of labels among ${all.join(', ')}: all images are of one class.`],
    };
  const values: unknown[] = [];
  for (const group of groups) for (const value of await column(group, label)) values.push(value);
  const place = (row: number): string => `${path}: ${places[row]}, column "${label}",`;
  const labelling = valueLabels(values, place);
  const notes = [`Labels from column "${label}".`];
  if (classes === undefined) return { ...labelling, notes };
  const odd = labelling.indexed ? labelling.labels.findIndex((index) => index >= classes.length) : 0;
  if (odd < 0) return { labels: labelling.labels, classes, indexed: false, notes };
  throw new Error(
    `${place(odd)} has the class ${String(values[odd])}, and the features name ${classes.length} classes, from 0: ${classes.slice(0, 8).join(', ')}.`,
  );
}

function imageBytes(value: unknown, path: string, row: number): Uint8Array {
  const bytes = value instanceof Uint8Array ? value : (value as { bytes?: unknown } | null)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  throw new Error(
    `${path}: row ${row} has no image bytes, wanted them in the file; write the data set with its images.`,
  );
}

/** A reader of images by row that keeps the last few row groups. */
function groupReader(groups: readonly RowGroup[], name: string): ImageSource['read'] {
  const starts: number[] = [];
  let total = 0;
  for (const { count } of groups) {
    starts.push(total);
    total += count;
  }
  const kept = new Map<number, Promise<unknown[]>>();
  return async (row) => {
    const index = starts.findLastIndex((start) => start <= row);
    const group = groups[index] as RowGroup;
    const values = kept.get(index) ?? column(group, name);
    kept.delete(index);
    kept.set(index, values); // last used comes last
    if (kept.size > KEPT_GROUPS) kept.delete(kept.keys().next().value as number);
    const within = row - (starts[index] as number);
    return imageBytes((await values)[within], group.from.path, group.begin + within);
  };
}

/** The columns that all files share. @throws Error where one has other columns or class names than the first */
function sharedColumns(
  files: readonly ParquetFile[],
  options: ColumnOptions,
  listed: boolean,
): ParquetColumns {
  const [first, ...others] = files.map(({ metadata, path }) =>
    parquetColumns(metadata, path, options, listed),
  );
  const own = ({ image, label, classes }: ParquetColumns): string => JSON.stringify([image, label, classes]);
  const odd = others.findIndex((columns) => own(columns) !== own(first as ParquetColumns));
  if (odd < 0) return first as ParquetColumns;
  const paths = [files[odd + 1], files[0]].map((file) => (file as ParquetFile).path);
  throw new Error(
    `${paths[0]} has other columns of images or labels, or other class names, than ${paths[1]}: choose files of one kind with --within (data.within).`,
  );
}

/** A list of labels in place of a column, and columns. */
export interface ParquetOptions extends ColumnOptions {
  /** Its files are `file.parquet/row`. */
  readonly list?: LabelList | undefined;
}

/**
 * The images of Parquet files, in the order of files and rows.
 * @throws Error where there is no column of images, or a label is missing or cannot be a class
 */
export async function parquetImages(
  path: string,
  paths: readonly ContainerPath[],
  options: ParquetOptions = {},
): Promise<ImageSource> {
  const { list, labelColumn } = options;
  const files: ParquetFile[] = [];
  for (const one of paths) files.push(await openFile(one));
  const columns = sharedColumns(files, options, list !== undefined);
  const groups = files.flatMap(listGroups);
  const names = files.flatMap(({ name, metadata }) =>
    Array.from({ length: Number(metadata.num_rows) }, (_, row) => `${name}/${row}`),
  );
  if (names.length === 0) throw new Error(`${path}: there are no rows, wanted images in them.`);
  const labels = list
    ? listedLabels(names, list, labelColumn)
    : await readLabels(groups, columns, path, names);
  return {
    path,
    names,
    ...labels,
    leftOut: [],
    notes: [`Images from column "${columns.image}" of ${columns.all.join(', ')}.`, ...labels.notes],
    read: groupReader(groups, columns.image),
    close: async () => undefined,
  };
}
