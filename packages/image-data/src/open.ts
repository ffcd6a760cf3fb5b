/** Opening of image sources of every kind. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { treeImages } from './class-folders.ts';
import { openFolder } from './folder.ts';
import type { ImageSource } from './image-source.ts';
import type { LabelList } from './labels.ts';
import { openArchive, TAR } from './open-archive.ts';
import { parquetImages } from './parquet.ts';
import { expandPattern } from './pattern.ts';
import { openTar } from './tar.ts';
import { type FileTree, subtree } from './tree.ts';
import { isWebDataset, webDataset } from './webdataset.ts';

/** Selection within a source. */
export interface OpenOptions {
  /** A folder inside it, such as `train`; for shards and Parquet files, a prefix of their names. */
  readonly within?: string | undefined;
  /** A `dataset.json` with the labels; default the source's own, or its folders. */
  readonly labels?: string | undefined;
}

const PARQUET = /\.parquet$/i;

/** A selection, and whether labels are those of the files with the same numbers. */
interface TreeOptions extends OpenOptions, Pick<LabelList, 'byNumber'> {}

async function readLabelList({ labels: path, byNumber }: TreeOptions): Promise<LabelList | undefined> {
  if (path === undefined) return undefined;
  return { path, text: await readFile(path, 'utf8'), ...(byNumber && { byNumber }) };
}

async function fromTree(tree: FileTree, options: TreeOptions): Promise<ImageSource> {
  const { within, labels } = options;
  try {
    const part = within === undefined ? tree : subtree(tree, within);
    if (labels === undefined && isWebDataset(part)) return await webDataset(tree.path, [part]);
    return await treeImages(part, await readLabelList(options));
  } catch (error) {
    await tree.close();
    throw error;
  }
}

async function shards(path: string, names: readonly string[]): Promise<ImageSource> {
  const trees: FileTree[] = [];
  try {
    for (const name of names) trees.push(await openTar(name));
    const odd = trees.find((tree) => !isWebDataset(tree));
    if (odd) throw new Error(`${odd.path}: the shard has no .cls files, wanted WebDataset samples.`);
    return await webDataset(path, trees);
  } catch (error) {
    for (const tree of trees) await tree.close();
    throw error;
  }
}

async function fromFolder(path: string, options: OpenOptions): Promise<ImageSource> {
  const { within, labels } = options;
  const top = await readdir(path);
  const nested = top.includes('data')
    ? (await readdir(join(path, 'data')).catch(() => [])).map((name) => `data/${name}`)
    : [];
  const files = [...top, ...nested].filter(
    (name) => within === undefined || (name.split('/').at(-1) as string).startsWith(within),
  );
  const chosen = (extension: RegExp): string[] => files.filter((name) => extension.test(name)).sort();
  const [parquet, tars] = [chosen(PARQUET), chosen(TAR)];
  if (parquet.length > 0)
    return parquetImages(
      path,
      parquet.map((name) => join(path, name)),
    );
  if (tars.length > 0)
    return shards(
      path,
      tars.map((name) => join(path, name)),
    );
  if (top.includes('images') && top.includes('vae-sd') && labels === undefined)
    return fromTree(await openFolder(join(path, 'images')), {
      labels: join(path, 'vae-sd', 'dataset.json'),
      byNumber: true,
    });
  return fromTree(await openFolder(path), options);
}

/**
 * Opens images: a folder, zip or tar of class folders or with a `dataset.json`, WebDataset shards, Parquet files of Hugging
 * Face, or REPA's preprocessed folder. The caller closes the source.
 * @throws Error where the path is no image source, or its images or labels cannot be read
 */
export async function openImages(path: string, options: OpenOptions = {}): Promise<ImageSource> {
  const files = expandPattern(path);
  if (files)
    return files.every((file) => PARQUET.test(file)) ? parquetImages(path, files) : shards(path, files);
  if ((await stat(path)).isDirectory()) return fromFolder(path, options);
  if (PARQUET.test(path)) return parquetImages(path, [path]);
  const archive = await openArchive(path);
  if (archive) return fromTree(archive, options);
  throw new Error(
    `${path} is no source of images: wanted a folder, or a .zip, .tar, .tar.gz, .tar.zst or .parquet file.`,
  );
}
