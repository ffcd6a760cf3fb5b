/** Opening of image sources of every kind. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ColumnOptions } from './choose-column.ts';
import { type TreeOptions, treeImages } from './class-folders.ts';
import { type ClassList, withClasses } from './class-list.ts';
import { type Containers, containerName, findContainers } from './containers.ts';
import { openFolder } from './folder.ts';
import type { ImageSource } from './image-source.ts';
import { parquetImages } from './parquet.ts';
import { openTar } from './tar.ts';
import { type FileTree, subtree } from './tree.ts';
import { isWebDataset, webDataset } from './webdataset.ts';
import { openZip } from './zip.ts';

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

async function shards(path: string, names: readonly string[], options: Selection): Promise<ImageSource> {
  const trees: FileTree[] = [];
  try {
    for (const name of names) trees.push(await openTar(join(path, name)));
    return await webDataset(path, trees, options, names.map(containerName));
  } catch (error) {
    for (const tree of trees) await tree.close();
    throw error;
  }
}

async function fromContainers(
  path: string,
  { kind, files, notes, leftOut }: Containers,
  options: Selection,
): Promise<ImageSource> {
  const named = files.map((file) => ({ path: join(path, file), name: containerName(file) }));
  const source =
    kind === 'parquet' ? await parquetImages(path, named, options) : await shards(path, files, options);
  return { ...source, notes: [...notes, ...source.notes], leftOut: [...source.leftOut, ...leftOut] };
}

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
  const source = await fromContainers(path, containers, options);
  return { ...source, leftOut: [...tree.leftOut, ...source.leftOut] };
}

async function openSelection(path: string, options: Selection): Promise<ImageSource> {
  if ((await stat(path)).isDirectory()) return fromFolder(path, options);
  const archive = { ...options, unwrap: true };
  if (path.endsWith('.zip')) return fromTree(await openZip(path), archive);
  if (path.endsWith('.tar')) return fromTree(await openTar(path), archive);
  if (path.endsWith('.parquet')) return parquetImages(path, [{ path, name: basename(path) }], options);
  throw new Error(`${path} is no source of images: wanted a folder, or a .zip, .tar or .parquet file.`);
}

/**
 * Opens images: a folder, zip or tar of class folders or with a list of labels, WebDataset shards, Parquet files of Hugging
 * Face, or REPA's preprocessed folder. The caller closes the source.
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
