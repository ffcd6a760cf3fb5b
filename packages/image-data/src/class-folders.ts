/** Images of one tree, labelled by a list or by their folders. */
import { extname } from 'node:path';
import type { ColumnOptions } from './choose-column.ts';
import { describeLeftOut } from './describe-source.ts';
import { detectFormat, IMAGE, WANTED } from './formats.ts';
import type { ImageSource } from './image-source.ts';
import type { LabelList, ListedLabels } from './label-list.ts';
import { folderLabels } from './labels.ts';
import { refuseSplits, wrapper } from './layout.ts';
import { countLeftOut, type LeftOut } from './left-out.ts';
import { findListedLabels, LABEL_LISTS, listedLabels } from './listed-labels.ts';
import { describeNotes, type FileTree, subtree } from './tree.ts';

/** A list of labels in place of the tree's own, columns of it, and the treatment of a wrapper. */
export interface TreeOptions extends ColumnOptions {
  readonly list?: LabelList | undefined;
  /** Whether a folder around all classes is entered, as archives have one, and not refused; default false. */
  readonly unwrap?: boolean;
  /** Folder that the tree was chosen by, for messages. */
  readonly within?: string | undefined;
}

/** Labels of a tree's own: its list, or its folders. */
async function ownLabels(
  tree: FileTree,
  names: readonly string[],
  { labelColumn, within }: TreeOptions,
): Promise<ListedLabels & { readonly from?: string }> {
  const from = LABEL_LISTS.find((name) => tree.files.includes(name));
  const notes: string[] = [];
  if (from !== undefined) {
    const text = new TextDecoder().decode(await tree.read(from));
    const found = findListedLabels(names, { path: `${tree.path}/${from}`, text }, labelColumn);
    if (!('lacks' in found)) return { ...found, from };
    notes.push(`${found.lacks}: it is not used.`);
  } else if (labelColumn !== undefined)
    throw new Error(
      `${tree.path}: there is no metadata.csv or metadata.jsonl with the column "${labelColumn}".`,
    );
  const labelling = folderLabels(names, tree.path);
  refuseSplits(labelling.classes, tree.path, within);
  return { ...labelling, notes: [...notes, ...folderNotes(tree, labelling.classes)] };
}

function folderNotes({ files }: FileTree, classes: readonly string[]): string[] {
  const lists = files.filter((file) => LABEL_LISTS.some((name) => file.endsWith(`/${name}`)));
  const byNumber = [...classes].sort().some((name, index) => name !== classes[index]);
  return [
    ...lists.map((file) => {
      const folder = file.slice(0, file.lastIndexOf('/'));
      return `${file} is not used: choose its folder with --within ${folder} (data.within), or name it with --labels (data.labels).`;
    }),
    ...(byNumber
      ? [
          'The class folders are numbers and in the order of their values; --like and --classes keep another order.',
        ]
      : []),
  ];
}

/** The images in a folder around all classes, which is said, or refused where wrappers are not entered. */
async function insideWrapper(tree: FileTree, around: string, options: TreeOptions): Promise<ImageSource> {
  const within = options.within === undefined ? around : `${options.within}/${around}`;
  const inner = subtree(tree, around);
  if (!options.unwrap)
    throw new Error(
      `${tree.path}: all images lie in ${around}, which holds ${inside(inner)}: choose it with --within ${within} (data.within), or list labels with --labels (data.labels).`,
    );
  const source = await treeImages(inner, { ...options, within });
  const outside = tree.files.filter((file) => !file.startsWith(`${around}/`));
  return {
    ...source,
    notes: [`All images lie in ${around}, which holds ${inside(inner)}.`, ...source.notes],
    leftOut: [...source.leftOut, ...countLeftOut(outside.map((file) => [file, `not in ${around}`]))],
  };
}

function inside({ files }: FileTree): string {
  const list = LABEL_LISTS.find((name) => files.includes(name));
  if (list !== undefined) return list;
  const folders = [...new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]))];
  return `the folders ${folders.slice(0, 8).join(', ')}${folders.length > 8 ? ' and more' : ''}`;
}

/**
 * The images of a tree, sorted by path; labels come from `list`, the tree's own `dataset.json`, `metadata.csv` or
 * `metadata.jsonl`, or the folders.
 * @throws Error where there are no images, a label is missing, or the folders are no classes
 */
export async function treeImages(tree: FileTree, options: TreeOptions = {}): Promise<ImageSource> {
  const { list, imageColumn, labelColumn } = options;
  const names = tree.files.filter((file) => IMAGE.test(file));
  if (names.length === 0) {
    const leftOut = await leftOutOf(tree, undefined);
    throw new Error(
      [`${tree.path}: there are no images, wanted ${WANTED}.`, ...leftOut.map(describeLeftOut)].join(' '),
    );
  }
  if (imageColumn !== undefined)
    throw new Error(`${tree.path} holds images as files: there is no column "${imageColumn}" to read.`);
  const around = list ? undefined : wrapper(names, tree.files);
  if (around !== undefined) return insideWrapper(tree, around, options);
  const labelling = list ? listedLabels(names, list, labelColumn) : await ownLabels(tree, names, options);
  const { from, ...labels } = { from: undefined, ...labelling };
  return {
    path: tree.path,
    names,
    ...labels,
    notes: [...describeNotes([tree]), ...labels.notes],
    leftOut: await leftOutOf(tree, from),
    read: (row) => tree.read(names[row] as string),
    close: tree.close,
  };
}

/** What is left out of a tree: all that is no image, but for the list of labels. */
async function leftOutOf(tree: FileTree, list: string | undefined): Promise<LeftOut[]> {
  const others = tree.files.filter((file) => !IMAGE.test(file) && file !== list);
  return [...tree.leftOut, ...countLeftOut(await reasonsOf(others, tree))];
}

/** The reason for which each of `files` is no image; of those without an extension the first is looked into. */
async function reasonsOf(
  files: readonly string[],
  tree: FileTree,
): Promise<[file: string, reason: string][]> {
  const bare = files.find((file) => extname(file) === '');
  const format =
    bare === undefined
      ? undefined
      : await tree
          .read(bare)
          .then(detectFormat)
          .catch(() => undefined);
  const reason = (file: string): string =>
    format !== undefined && extname(file) === ''
      ? `no image by name, though the first is a ${format} file by its content: add the extension`
      : 'no image of a known kind';
  return files.map((file) => [file, reason(file)]);
}
