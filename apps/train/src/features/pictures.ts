/** Labelled square images that are decoded when they are asked for. */

import type { ImageSet } from '@ahpa/emoji-data';
import { createDecoder, type ImageSource, imageList, orderHash, type Remark } from '@ahpa/image-data';
import * as tf from '@tensorflow/tfjs-core';

/** A decoded image. */
export interface Picture {
  /** `[size, size, 3]` RGB. */
  readonly pixels: Uint8Array;
  readonly remarks: readonly Remark[];
}

/** Images of one size in a fixed order. */
export interface Pictures {
  /** Where they lie, for messages. */
  readonly path: string;
  readonly size: number;
  readonly names: readonly string[];
  readonly labels: Int32Array<ArrayBuffer>;
  readonly classes: readonly string[];
  /** Equal where images and order are; of names and labels where pixels are too many to hash. */
  readonly sha256: string;
  /** Decodes one; rejects where it is damaged. */
  picture(row: number): Promise<Picture>;
  close(): Promise<void>;
}

/** The images `rows` of a set in memory. */
export function emojiPictures(set: ImageSet, rows: Uint32Array<ArrayBuffer>): Pictures {
  const stride = set.size * set.size * 3;
  const names = Array.from(rows, (row) => set.names[row] as string);
  const labels = Int32Array.from(rows, (row) => set.labels[row] as number);
  return {
    path: 'emoji',
    size: set.size,
    names,
    labels,
    classes: set.classes,
    sha256: `${set.sha256}/${orderHash({ names, labels })}`,
    picture: async (row) => {
      const offset = (rows[row] as number) * stride;
      return { pixels: set.images.subarray(offset, offset + stride), remarks: [] };
    },
    close: async () => undefined,
  };
}

/** The images of a source, cropped to `size` by so many threads. */
export function sourcePictures(source: ImageSource, size: number, threads: number): Pictures {
  const decoder = createDecoder(threads);
  const { path, names, labels, classes } = source;
  return {
    path,
    size,
    names,
    labels,
    classes,
    sha256: orderHash(source),
    picture: async (row) => decoder.decode(await source.read(row), size),
    close: async () => {
      await decoder.close();
      await source.close();
    },
  };
}

/** The list of images as it is kept beside a cache. */
export const pictureList = ({ names, labels }: Pictures): Uint8Array =>
  new TextEncoder().encode(imageList({ names, labels }));

/** Images of `size` pixels as `[B, size, size, 3]` in [-1, 1]. */
export function pictureTensor(images: readonly Uint8Array[], size: number): tf.Tensor4D {
  const stride = size * size * 3;
  const values = new Float32Array(images.length * stride);
  images.forEach((pixels, i) => {
    for (let j = 0, at = i * stride; j < stride; j++, at++) values[at] = (pixels[j] as number) / 127.5 - 1;
  });
  return tf.tensor4d(values, [images.length, size, size, 3]);
}
