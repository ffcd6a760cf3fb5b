/** Encoded images with labels, in a fixed order. */
import { createHash } from 'node:crypto';
import type { LeftOut } from './left-out.ts';

/** Images that can be read by row, in any order and several at a time. */
export interface ImageSource {
  /** Path, for messages. */
  readonly path: string;
  readonly names: readonly string[];
  /** Class index of every image. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** Name of every class, by index. */
  readonly classes: readonly string[];
  /** Whether the labels are indices without names, so that `classes` are their numbers. */
  readonly indexed: boolean;
  /** Sentences about the source and the origin of its labels. */
  readonly notes: readonly string[];
  /** Files beside the images that are not read. */
  readonly leftOut: readonly LeftOut[];
  /** The file of an image as it is. */
  read(row: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Names and labels, one image per line; equal for sources with the same images in the same order. */
export function imageList({ names, labels }: Pick<ImageSource, 'names' | 'labels'>): string {
  return names.map((name, row) => `${labels[row]}\t${name}\n`).join('');
}

/** SHA-256 of `imageList`. */
export function orderHash(source: Pick<ImageSource, 'names' | 'labels'>): string {
  return createHash('sha256').update(imageList(source)).digest('hex');
}
