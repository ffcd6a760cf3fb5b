/** Images of one tree, labelled by a list or by their folders. */

import type { ImageSource } from './image-source.ts';
import { folderLabels, type LabelList, listedLabels } from './labels.ts';
import { countLeftOut } from './left-out.ts';
import type { FileTree } from './tree.ts';

/** File names of images. */
export const IMAGE: RegExp = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$/i;

/**
 * The images of a tree, sorted by path; labels come from `list`, the tree's own `dataset.json`, or the folders.
 * @throws Error where there are no images, or a label is missing
 */
export async function treeImages(tree: FileTree, list?: LabelList): Promise<ImageSource> {
  const names = tree.files.filter((file) => IMAGE.test(file));
  if (names.length === 0)
    throw new Error(
      `${tree.path}: there are no images, wanted .jpg, .png, .webp, .gif, .tif or .avif files.`,
    );
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
    leftOut: [...tree.leftOut, ...countLeftOut(others)],
    read: (row) => tree.read(names[row] as string),
    close: tree.close,
  };
}
