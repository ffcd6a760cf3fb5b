/** Images of one tree, labelled by a list or by their folders. */

import type { ImageSource } from './image-source.ts';
import { folderLabels, type LabelList, listedLabels } from './labels.ts';
import { countLeftOut, describeLeftOut } from './left-out.ts';
import { describeNotes, type FileTree } from './tree.ts';

/** File names of images. */
export const IMAGE: RegExp = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i;

function noImages({ path, files, leftOut }: FileTree): Error {
  const others = countLeftOut(files.map((file) => [file, 'no image of a known kind']));
  const found = [...leftOut, ...others].map(describeLeftOut).join('; ') || 'no file';
  return new Error(
    `${path}: there are no images, wanted .jpg, .png, .webp, .gif, .tif or .avif files, and there is ${found}.`,
  );
}

/**
 * The images of a tree, sorted by path; labels come from `list`, the tree's own `dataset.json`, or the folders.
 * @throws Error where there are no images, or a label is missing
 */
export async function treeImages(tree: FileTree, list?: LabelList): Promise<ImageSource> {
  const names = tree.files.filter((file) => IMAGE.test(file));
  if (names.length === 0) throw noImages(tree);
  const own = 'dataset.json';
  const found =
    list ??
    (tree.files.includes(own)
      ? { path: `${tree.path}/${own}`, text: new TextDecoder().decode(await tree.read(own)) }
      : undefined);
  const others = tree.files
    .filter((file) => !IMAGE.test(file) && file !== own)
    .map((file) => [file, 'no image of a known kind'] as const);
  const labelling = found ? listedLabels(names, found) : folderLabels(names, tree.path);
  return {
    path: tree.path,
    names,
    ...labelling,
    notes: describeNotes([tree]),
    leftOut: [...tree.leftOut, ...countLeftOut(others)],
    read: (row) => tree.read(names[row] as string),
    close: tree.close,
  };
}
