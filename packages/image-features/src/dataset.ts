/** Labelled latents with alignment targets, by row: encoded on request, or from a cache. */
import type { CacheReader } from '@ahpa/latent-cache';
import { userError } from '@ahpa/messages';
import type { Batch, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { FeatureEncoder } from './feature-encoder.ts';
import { groupShapes, latentShape, type VaeFeatures } from './feature-request.ts';
import { imageBatch } from './image-batch.ts';
import { type ImageDataset, readImages } from './image-dataset.ts';
import { recordBatch } from './record-batch.ts';

/** Labelled latents with the targets of an alignment. */
export interface Dataset {
  readonly count: number;
  /** Class index of every item. */
  readonly labels: Int32Array;
  /** The batch of the items `rows`, owned by the caller. */
  batch(rows: Uint32Array): Batch<Tree> | Promise<Batch<Tree>>;
  /** The images of the items `rows`, `[n, size, size, 3]` uint8. @throws where they were not kept. */
  pixels(rows: Uint32Array): Promise<Uint8Array>;
}

/** The items `rows` of a data set. */
export function selectRows(all: Dataset, rows: Uint32Array): Dataset {
  const inner = (chosen: Uint32Array): Uint32Array => chosen.map((row) => rows[row] as number);
  return {
    count: rows.length,
    labels: Int32Array.from(rows, (row) => all.labels[row] as number),
    batch: (chosen) => all.batch(inner(chosen)),
    pixels: (chosen) => all.pixels(inner(chosen)),
  };
}

/** The records of a cache made with `features`; pixels come from `images` where given. */
export function cacheDataset(
  cache: CacheReader,
  { files, request }: Pick<VaeFeatures, 'files' | 'request'>,
  images?: ImageDataset,
): Dataset {
  const { count, fields } = cache.index;
  const shape = {
    latent: latentShape(files.config, request.size),
    groups: groupShapes(files.config, request),
  };
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  const kept = fields.some(({ name }) => name === 'pixels');
  return {
    count,
    labels: cache.gather('label', rows) as Int32Array,
    batch: (chosen) => recordBatch(cache, shape, chosen),
    pixels: async (chosen) => {
      if (images) return joinedPixels(images, chosen);
      if (kept) return cache.gather('pixels', chosen) as Uint8Array;
      throw userError(`${cache.folder} has no pixels: extract it again with --pixels.`);
    },
  };
}

/** Images that are decoded and encoded on request. */
export function encodedDataset(images: ImageDataset, encoder: FeatureEncoder): Dataset {
  return {
    count: images.names.length,
    labels: images.labels,
    batch: async (rows) => {
      const x = imageBatch(await readImages(images, rows), images.size);
      const { mean, std, tokens } = encoder.encode(x);
      x.dispose();
      return { latent: { mean, std }, y: labelTensor(images.labels, rows), targets: tokens };
    },
    pixels: (rows) => joinedPixels(images, rows),
  };
}

/** Labels of the items `rows`, `[B]` int32. */
export const labelTensor = (labels: Int32Array, rows: Uint32Array): tf.Tensor1D =>
  tf.tensor1d(
    Int32Array.from(rows, (row) => labels[row] as number),
    'int32',
  );

/** Pixels of the images `rows`, `[n, size, size, 3]`. */
export const joinedPixels = async (images: ImageDataset, rows: Uint32Array): Promise<Uint8Array> =>
  Buffer.concat(await readImages(images, rows));
