/** Opening of image sources of every kind. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ColumnOptions } from './choose-column.ts';
import { type TreeOptions, treeImages } from './class-folders.ts';
import { type ClassList, withClasses } from './class-list.ts';
import { containerName, findContainers, PARQUET } from './containers.ts';
import { openFolder } from './folder.ts';
import type { ImageSource } from './image-source.ts';
import { sumLeftOut } from './left-out.ts';
import { openArchive } from './open-archive.ts';
import { type ContainerPath, parquetImages } from './parquet.ts';
import { expandPattern, shortNames } from './pattern.ts';
import { openTar } from './tar.ts';
import { describeNotes, type FileTree, subtree } from './tree.ts';
import { isWebDataset, webDataset } from './webdataset.ts';

/** Selection within a source. */
export interface OpenOptions extends ColumnOptions {
  /** A folder inside it, such as `train`; for shards and Parquet files, a prefix of their names. */
  readonly within?: string | undefined;
  /** A `dataset.json` or metadata table with the labels; default the source's own. */
  readonly labels?: string | undefined;
  /** The classes and their order; default the source's own. */
  readonly classes?: ClassList | undefined;
}

/** A selection with its list of labels read. */
type Selection = Pick<OpenOptions, 'within'> & TreeOptions;

async function fromTree(tree: FileTree, options: Selection): Promise<ImageSource> {
  const { within, list, labelColumn } = options;
  try {
    const part = within === undefined ? tree : subtree(tree, within);
    if (list === undefined && (await isWebDataset(part, labelColumn)))
      return await webDataset(tree.path, [part], options);
    return await treeImages(part, options);
  } catch (error) {
    await tree.close();
    throw error;
  }
}

async function shards(
  path: string,
  files: readonly ContainerPath[],
  options: Selection,
): Promise<ImageSource> {
  const trees: FileTree[] = [];
  const names = files.map(({ name }) => name);
  try {
    for (const file of files) trees.push(await openTar(file.path));
    return await webDataset(path, trees, options, names);
  } catch (error) {
    for (const tree of trees) await tree.close();
    throw error;
  }
}

/** Images of Parquet files, or of shards where one is no Parquet file. */
const fromContainers = (
  path: string,
  files: readonly ContainerPath[],
  options: Selection,
): Promise<ImageSource> =>
  files.every((file) => PARQUET.test(file.path))
    ? parquetImages(path, files, options)
    : shards(path, files, options);

async function fromFolder(path: string, options: Selection): Promise<ImageSource> {
  const { within, list } = options;
  const tree = await openFolder(path);
  const holds = (folder: string): boolean => tree.files.some((file) => file.startsWith(`${folder}/`));
  if (holds('images') && holds('vae-sd') && list === undefined) {
    const labels = join(path, 'vae-sd', 'dataset.json');
    const repa = { path: labels, text: await readFile(labels, 'utf8'), byNumber: true };
    return fromTree(subtree(tree, 'images'), { list: repa });
  }
  const containers = findContainers(tree.files, path, within);
  if (containers === undefined) return fromTree(tree, options);
  const { files, notes, leftOut } = containers;
  const named = files.map((file) => ({ path: join(path, file), name: containerName(file) }));
  const source = await fromContainers(path, named, options);
  return {
    ...source,
    notes: [...describeNotes([tree]), ...notes, ...source.notes],
    leftOut: sumLeftOut([...tree.leftOut, ...source.leftOut, ...leftOut]),
  };
}

async function openSelection(path: string, options: Selection): Promise<ImageSource> {
  const files = expandPattern(path);
  if (files) {
    const names = shortNames(files);
    const named = files.map((file, index) => ({ path: file, name: names[index] as string }));
    return fromContainers(path, named, options);
  }
  if ((await stat(path)).isDirectory()) return fromFolder(path, options);
  if (PARQUET.test(path)) return parquetImages(path, [{ path, name: basename(path) }], options);
  const archive = await openArchive(path);
  if (archive) return fromTree(archive, { ...options, unwrap: true });
  throw new Error(
    `${path} is no source of images: wanted a folder, or a .zip, .tar, .tar.gz, .tar.zst or .parquet file.`,
  );
}

/**
 * Opens images: a folder, zip or tar of class folders or with a list of labels, WebDataset shards, Parquet files of Hugging
 * Face, both also by a pattern such as `train-{0000..0146}.tar`, or REPA's preprocessed folder. The caller closes the source.
 * @throws Error where the path is no image source, its images or labels cannot be read, or it has a class that `classes` lacks
 */
export async function openImages(
  path: string,
  { labels, classes, ...rest }: OpenOptions = {},
): Promise<ImageSource> {
  const list = labels === undefined ? undefined : { path: labels, text: await readFile(labels, 'utf8') };
  const source = await openSelection(path, { ...rest, list });
  try {
    return withClasses(source, classes);
  } catch (error) {
    await source.close();
    throw error;
  }
}
