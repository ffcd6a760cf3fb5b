/** Images in Parquet files as Hugging Face writes them: a column `image` of { bytes, path }, and `label`. */
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { asyncBufferFromFile } from 'hyparquet/src/node.js';
import { compressors } from 'hyparquet-compressors';
import type { ImageSource } from './image-source.ts';
import { isClass, numbered } from './labels.ts';
import { shortNames } from './pattern.ts';

/** Row groups whose images are kept in memory. */
const KEPT_GROUPS = 4;

interface ParquetFile {
  readonly path: string;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
}

/** Consecutive rows that are read together. */
interface RowGroup {
  readonly from: ParquetFile;
  readonly begin: number;
  readonly count: number;
}

async function openFile(path: string): Promise<ParquetFile> {
  try {
    const file = await asyncBufferFromFile(path);
    return { path, file, metadata: await parquetMetadataAsync(file) };
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

/** Class names from the features that Hugging Face writes beside the schema. */
function classNames({ metadata }: ParquetFile, column: string): readonly string[] | undefined {
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return undefined;
  const { info } = JSON.parse(text) as { info?: { features?: Record<string, { names?: unknown }> } };
  const names = info?.features?.[column]?.names;
  return Array.isArray(names) ? names.map(String) : undefined;
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

/** The labels of a column, or class 0 for all where there is none. */
async function readLabels(
  groups: readonly RowGroup[],
  name: string | undefined,
): Promise<Int32Array<ArrayBuffer>> {
  if (name === undefined) return new Int32Array(groups.reduce((sum, { count }) => sum + count, 0));
  const labels: number[] = [];
  for (const group of groups) {
    for (const value of await column(group, name)) {
      const label = typeof value === 'bigint' ? Number(value) : value;
      if (!isClass(label))
        throw new Error(
          `${group.from.path}: row ${labels.length} has the class ${String(label)}, wanted an index from 0.`,
        );
      labels.push(label);
    }
  }
  return Int32Array.from(labels);
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

/**
 * The images of Parquet files, in the order of files and rows.
 * @throws Error where there is no column `image`
 */
export async function parquetImages(path: string, paths: readonly string[]): Promise<ImageSource> {
  const files: ParquetFile[] = [];
  for (const one of paths) files.push(await openFile(one));
  const first = files[0] as ParquetFile;
  const columns = first.metadata.schema.map(({ name }) => name);
  const image = ['image', 'img'].find((name) => columns.includes(name));
  if (image === undefined)
    throw new Error(`${first.path}: there is no column "image" among ${columns.join(', ')}.`);
  const label = ['label', 'labels', 'fine_label'].find((name) => columns.includes(name));
  const groups = files.flatMap(listGroups);
  const labels = await readLabels(groups, label);
  const fileNames = shortNames(paths);
  const names = files.flatMap(({ metadata }, i) =>
    Array.from({ length: Number(metadata.num_rows) }, (_, row) => `${fileNames[i]}/${row}`),
  );
  const classes = (label && classNames(first, label)) || numbered(labels);
  const read = groupReader(groups, image);
  return { path, names, labels, classes, notes: [], leftOut: [], read, close: async () => undefined };
}
