/** Sources of pixels: images of one size in arrays, folders or archives. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import {
  countRemarks,
  DECODING,
  decodePixels,
  type FileTree,
  IMAGE,
  openFolder,
  openTar,
  openZip,
  type Remark,
} from '@ahpa/image-data';
import { userError } from '@ahpa/messages';
import { type NpyArray, type NpzFile, openNpy, openNpz } from '@ahpa/weight-files';
import type { DecodingCard } from '../card.ts';
import { sha256File } from './hash-file.ts';

/** A block of images: `[n, height, width, 3]` uint8 RGB. */
export interface PixelBlock {
  readonly data: Uint8Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: 3];
}

/** Images that are read by number. */
export interface PixelSource {
  /** For messages and cards. */
  readonly path: string;
  readonly n: number;
  /** Images `start` to `start + count`. */
  read(start: number, count: number): Promise<PixelBlock>;
  /** SHA-256 of the file of an array, or of the pixels of many files. */
  sha256(): Promise<string>;
  /** Decoding of its files, with counts of unusual ones read so far; absent where it holds pixels. */
  decoding?(): DecodingCard;
  close(): Promise<void>;
}

/** SHA-256 of the pixels of a source and their shapes, in order. */
export async function hashPixels({ n, read }: Pick<PixelSource, 'n' | 'read'>): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < n; start += 50) {
    const { data, shape } = await read(start, Math.min(50, n - start));
    hash.update(shape.slice(1).join()).update(data);
  }
  return hash.digest('hex');
}

/** Whether an array is of 8-bit RGB images. */
const holdsImages = ({ dtype, shape }: Pick<NpyArray, 'dtype' | 'shape'>): boolean =>
  dtype === 'U8' && shape.length === 4 && shape[3] === 3;

/** The images of an .npz: `arr_0`, its only array, or the only one that holds images. */
async function imageArray(path: string, file: NpzFile): Promise<NpyArray> {
  if (file.names.includes('arr_0')) return file.array('arr_0');
  const [only, ...others] = file.names;
  if (only !== undefined && others.length === 0) return file.array(only);
  const arrays = await Promise.all(file.names.map((name) => file.array(name).catch(() => undefined)));
  const [found, ...more] = arrays.filter((array) => array !== undefined && holdsImages(array));
  if (found && more.length === 0) return found;
  throw userError(
    `${path} holds ${file.names.join(', ')}, wanted "arr_0" or one array alone of images: U8 (uint8) of shape [n, height, width, 3].`,
  );
}

/** The images of an array `[n, H, W, 3]` uint8. */
function arrayPixels(
  path: string,
  { dtype, shape, read }: NpyArray,
  close: () => Promise<void>,
): PixelSource {
  const [n, height, width] = shape as [number, number, number, number];
  if (!holdsImages({ dtype, shape }))
    throw userError(
      `${path} holds ${dtype} of shape [${shape.join(', ')}], wanted images: U8 (uint8) of shape [n, height, width, 3].`,
    );
  return {
    path,
    n,
    read: async (start, count) => ({
      data: (await read(start, count)).data,
      shape: [count, height, width, 3],
    }),
    sha256: () => sha256File(path),
    close,
  };
}

interface DecodedBlock extends PixelBlock {
  readonly remarks: readonly Remark[];
}

async function decode(tree: FileTree, file: string): Promise<DecodedBlock> {
  try {
    const { data, width, height, remarks } = await decodePixels(await tree.read(file));
    return { data, shape: [1, height, width, 3], remarks };
  } catch (cause) {
    throw userError(`${tree.path}: ${file} cannot be decoded (${(cause as Error).message}).`, { cause });
  }
}

function treePixels(tree: FileTree): PixelSource {
  const files = tree.files.filter((file) => IMAGE.test(file));
  if (files.length === 0) throw userError(`${tree.path} holds no images, wanted PNG or JPEG files.`);
  let first: { readonly file: string; readonly size: string } | undefined;
  const check = (file: string, { shape: [, height, width] }: PixelBlock): void => {
    const size = `${width} x ${height}`;
    first ??= { file, size };
    if (size !== first.size)
      throw userError(
        `${tree.path} mixes sizes: ${first.file} is ${first.size} and ${file} is ${size}; figures need images of one size, so resize them all the same way first.`,
      );
  };
  const n = files.length;
  const remarksOf = new Map<number, readonly Remark[]>(); // by image, since images may be read again
  const read = async (start: number, count: number): Promise<PixelBlock> => {
    const chosen = files.slice(start, start + count);
    const blocks = await Promise.all(chosen.map((file) => decode(tree, file)));
    blocks.forEach((block, i) => {
      check(chosen[i] as string, block);
      remarksOf.set(start + i, block.remarks);
    });
    const [, height, width] = (blocks[0] as PixelBlock).shape;
    return { data: Buffer.concat(blocks.map(({ data }) => data)), shape: [blocks.length, height, width, 3] };
  };
  const decoding = (): DecodingCard => {
    const remarks: Partial<Record<Remark, number>> = {};
    for (const own of remarksOf.values()) countRemarks(remarks, own);
    return { policy: DECODING, remarks };
  };
  return { path: tree.path, n, read, sha256: () => hashPixels({ n, read }), decoding, close: tree.close };
}

async function closedOnError<T extends { close(): Promise<void> }, R>(
  file: T,
  use: (file: T) => R | Promise<R>,
): Promise<R> {
  try {
    return await use(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens images: an .npz (`arr_0`, or the only array of images) or .npy array `[n, H, W, 3]` uint8, or a folder, .zip or .tar of image files in the order of names.
 * @throws where `path` holds no such images.
 */
export async function openPixels(path: string): Promise<PixelSource> {
  if ((await stat(path)).isDirectory()) return closedOnError(await openFolder(path), treePixels);
  if (path.endsWith('.npz'))
    return closedOnError(await openNpz(path), async (file) =>
      arrayPixels(path, await imageArray(path, file), file.close),
    );
  if (path.endsWith('.npy'))
    return closedOnError(await openNpy(path), async (file) => arrayPixels(path, file, file.close));
  if (path.endsWith('.zip')) return closedOnError(await openZip(path), treePixels);
  if (path.endsWith('.tar')) return closedOnError(await openTar(path), treePixels);
  throw userError(
    `${path} holds no images that can be evaluated: wanted an .npz or .npy array, or a folder, .zip or .tar of images.`,
  );
}
