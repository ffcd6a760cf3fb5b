/** Examples by row, wherever they lie: what a run trains on, and what it is measured with. */

import type { CacheReader } from '@ahpa/latent-cache';
import { userError } from '@ahpa/messages';
import type { Batch, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { type BatchShape, batchOf } from './batch.ts';
import type { FeatureEncoder } from './encoder.ts';
import { type Pictures, pictureTensor } from './pictures.ts';

/** Labelled latents with the targets of the alignment. */
export interface Examples {
  readonly count: number;
  /** Class index of every example. */
  readonly labels: Int32Array;
  /** The batch of the examples `rows`, owned by the caller. */
  batch(rows: Uint32Array): Batch<Tree> | Promise<Batch<Tree>>;
  /** The images of the examples `rows`, `[n, size, size, 3]` uint8; rejects where they were not kept. */
  pixels(rows: Uint32Array): Promise<Uint8Array>;
}

/** The examples `rows` of others. */
export function chosenExamples(all: Examples, rows: Uint32Array): Examples {
  const inner = (chosen: Uint32Array): Uint32Array => chosen.map((row) => rows[row] as number);
  return {
    count: rows.length,
    labels: Int32Array.from(rows, (row) => all.labels[row] as number),
    batch: (chosen) => all.batch(inner(chosen)),
    pixels: (chosen) => all.pixels(inner(chosen)),
  };
}

/** The records of a cache; pixels come from `pictures` where that is given. */
export function cacheExamples(cache: CacheReader, shape: BatchShape, pictures?: Pictures): Examples {
  const { count, fields } = cache.index;
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  const kept = fields.some(({ name }) => name === 'pixels');
  return {
    count,
    labels: cache.gather('label', rows) as Int32Array,
    batch: (chosen) => batchOf(cache, shape, chosen),
    pixels: async (chosen) => {
      if (pictures) return picturePixels(pictures, chosen);
      if (kept) return cache.gather('pixels', chosen) as Uint8Array;
      throw userError(`${cache.folder} has no pixels: extract it again with --pixels.`);
    },
  };
}

/** Images that are decoded and encoded when they are asked for. */
export function onlineExamples(pictures: Pictures, encoder: FeatureEncoder): Examples {
  return {
    count: pictures.names.length,
    labels: pictures.labels,
    batch: async (rows) => {
      const images = await picturesOf(pictures, rows);
      const x = pictureTensor(images, pictures.size);
      const { mean, std, tokens } = encoder.encode(x);
      x.dispose();
      const labels = Int32Array.from(rows, (row) => pictures.labels[row] as number);
      return {
        latent: { mean, std },
        y: tf.tensor1d(labels, 'int32'),
        targets: tokens,
      };
    },
    pixels: (rows) => picturePixels(pictures, rows),
  };
}

/** The images `rows`; a bad one ends the run, since nothing can stand in for it. */
export async function picturesOf(pictures: Pictures, rows: Uint32Array): Promise<Uint8Array[]> {
  const read = Array.from(rows, (row) =>
    pictures.picture(row).catch((cause: Error) => {
      throw userError(
        `${pictures.path}: ${pictures.names[row]} is bad (${cause.message.trim()}): remove it, or use ahpa extract, which leaves it out.`,
        { cause },
      );
    }),
  );
  return (await Promise.all(read)).map(({ pixels }) => pixels);
}

async function picturePixels(pictures: Pictures, rows: Uint32Array): Promise<Uint8Array> {
  return Buffer.concat(await picturesOf(pictures, rows));
}
