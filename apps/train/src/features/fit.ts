/** Fits the normalisations of token groups on calibration images spread evenly over a source. */
import { setImmediate } from 'node:timers/promises';
import { addMoments, channelStatistics, emptyMoments, fitPca } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { symmetricEigen } from './eigen.ts';
import type { FeatureEncoder } from './encoder.ts';
import { datasetNorm, type FittedNorm, type FittedNorms, pcaNorm } from './norms.ts';
import { type Pictures, pictureTensor } from './pictures.ts';
import { type FeatureRequest, reduces } from './request.ts';

/** Memory for the tokens of one group that a PCA is fitted on. */
const SAMPLE_BYTES = 256 << 20;
/** The smaller side of the matrix that a PCA decomposes. */
const LARGEST_SIDE = 2048;
/** Spreads the tokens that are taken of an image; coprime to any grid. */
const STEP = 7919;

/** What gathers tokens of one group and turns them into numbers. */
interface Fitter {
  add(tokens: tf.Tensor3D, images: number): void;
  result(): FittedNorm | Promise<FittedNorm>;
}

function statistics(width: number): Fitter {
  let moments = emptyMoments(width);
  return {
    add: (tokens, images) => {
      const values = tokens.dataSync() as Float32Array;
      moments = addMoments(moments, values.subarray(0, images * tokens.shape[1] * width));
    },
    result: () => datasetNorm(channelStatistics(moments)),
  };
}

function components(width: number, perImage: number, capacity: number, kept: number): Fitter {
  const samples = new Float32Array(capacity * width);
  let count = 0;
  return {
    add: (tokens, images) => {
      const [, length] = tokens.shape;
      const values = tokens.dataSync();
      for (let image = 0; image < images; image++) {
        for (let k = 0; k < perImage && count < capacity; k++, count++) {
          const at = (image * length + (((count + 1) * STEP) % length)) * width;
          samples.set(values.subarray(at, at + width) as Float32Array, count * width);
        }
      }
    },
    result: async () => {
      const matrix = tf.tensor2d(samples.subarray(0, count * width), [count, width]);
      return pcaNorm(await fitPca(matrix, kept, await symmetricEigen()).finally(() => matrix.dispose()));
    },
  };
}

function fitterOf({ grid, hierarchy }: FeatureRequest, width: number, images: number): Fitter {
  if (!reduces(hierarchy)) return statistics(width);
  const most = Math.floor(SAMPLE_BYTES / (4 * width));
  const capacity = Math.max(
    hierarchy.components + 1,
    width > LARGEST_SIDE ? Math.min(most, LARGEST_SIDE) : most,
  );
  const perImage = Math.min(grid * grid, Math.ceil(capacity / images));
  return components(width, perImage, Math.min(capacity, images * perImage), hierarchy.components);
}

/** Whether a request needs numbers that are fitted on images. */
export const needsFit = ({ groups, hierarchy: { norm } }: FeatureRequest): boolean =>
  groups.length > 0 && norm !== 'none' && norm !== 'spatial';

/** Fits on `hierarchy.calibration` images; `raw` encodes without normalisation, `batch` images at a time. Bad images are passed over. */
export async function fitNorms(
  raw: FeatureEncoder,
  pictures: Pictures,
  request: FeatureRequest,
  widths: readonly number[],
  batch: number,
  onProgress: (done: number, total: number) => void,
): Promise<FittedNorms> {
  const count = pictures.names.length;
  const total = Math.min(request.hierarchy.calibration, count);
  const fitters = widths.map((width) => fitterOf(request, width, total));
  for (let start = 0; start < total; start += batch) {
    await setImmediate();
    const rows = Array.from({ length: Math.min(batch, total - start) }, (_, i) =>
      Math.floor(((start + i) * count) / total),
    );
    const read = await Promise.allSettled(rows.map((row) => pictures.picture(row)));
    const good = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value.pixels] : []));
    if (good.length > 0) addAll(raw, fitters, padded(good, batch), good.length, pictures.size);
    onProgress(Math.min(start + batch, total), total);
  }
  const norms: Record<string, FittedNorm> = {};
  for (const [g, { name }] of request.groups.entries()) norms[name] = await (fitters[g] as Fitter).result();
  return norms;
}

function addAll(
  raw: FeatureEncoder,
  fitters: readonly Fitter[],
  images: readonly Uint8Array[],
  good: number,
  size: number,
): void {
  tf.tidy(() => {
    const { tokens } = raw.encode(pictureTensor(images, size));
    tokens.forEach((group, g) => void fitters[g]?.add(group, good));
  });
}

/** Images of a whole batch: the last fills it up, so that all batches have one shape. */
export const padded = (images: readonly Uint8Array[], batch: number): Uint8Array[] =>
  Array.from({ length: batch }, (_, i) => images[Math.min(i, images.length - 1)] as Uint8Array);
