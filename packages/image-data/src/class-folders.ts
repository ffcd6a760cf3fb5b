/** Images of one tree, labelled by a list or by their folders. */
import { extname } from 'node:path';
import { describeLeftOut } from './describe-source.ts';
import { detectFormat, IMAGE, WANTED } from './formats.ts';
import type { ImageSource } from './image-source.ts';
import { folderLabels, type LabelList, listedLabels } from './labels.ts';
import { countLeftOut } from './left-out.ts';
import type { FileTree } from './tree.ts';

/**
 * The images of a tree, sorted by path; labels come from `list`, the tree's own `dataset.json`, or the folders.
 * @throws Error where there are no images, or a label is missing
 */
export async function treeImages(tree: FileTree, list?: LabelList): Promise<ImageSource> {
  const own = 'dataset.json';
  const names = tree.files.filter((file) => IMAGE.test(file));
  const others = tree.files.filter((file) => !IMAGE.test(file) && file !== own);
  const leftOut = [...tree.leftOut, ...countLeftOut(await reasonsOf(others, tree))];
  if (names.length === 0)
    throw new Error(
      [`${tree.path}: there are no images, wanted ${WANTED}.`, ...leftOut.map(describeLeftOut)].join(' '),
    );
  const found =
    list ??
    (tree.files.includes(own)
      ? { path: `${tree.path}/${own}`, text: new TextDecoder().decode(await tree.read(own)) }
      : undefined);
  const labelling = found ? listedLabels(names, found) : folderLabels(names, tree.path);
  return {
    path: tree.path,
    names,
    ...labelling,
    leftOut,
    read: (row) => tree.read(names[row] as string),
    close: tree.close,
  };
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
