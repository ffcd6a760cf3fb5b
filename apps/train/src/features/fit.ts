/** Fits the normalisations of token groups on calibration images spread evenly over a source. */
import { setImmediate } from 'node:timers/promises';
import {
  addMoments,
  channelStatistics,
  emptyMoments,
  fitPca,
  projectTokens,
  type VaeConfig,
} from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { symmetricEigen } from './eigen.ts';
import { type FeatureEncoder, latentTokens } from './encoder.ts';
import { fitPrediction } from './innovation.ts';
import { datasetNorm, type FittedNorm, type FittedNorms, pcaNorm } from './norms.ts';
import { type Pictures, pictureTensor } from './pictures.ts';
import { type FeatureRequest, latentShape, rawWidths, reduces } from './request.ts';

/** Memory for the tokens of one group that a PCA is fitted on. */
const SAMPLE_BYTES = 256 << 20;
/** The smaller side of the matrix that a PCA decomposes. */
const LARGEST_SIDE = 2048;
/** Spreads the tokens that are taken of an image; coprime to any grid. */
const STEP = 7919;

/** What gathers tokens of one group, and of the latents below them, and turns them into numbers. */
interface Fitter {
  add(tokens: tf.Tensor3D, latents: tf.Tensor3D, images: number): void;
  result(): FittedNorm | Promise<FittedNorm>;
}

function statistics(width: number): Fitter {
  let moments = emptyMoments(width);
  return {
    add: (tokens, _, images) => {
      const values = tokens.dataSync() as Float32Array;
      moments = addMoments(moments, values.subarray(0, images * tokens.shape[1] * width));
    },
    result: () => datasetNorm(channelStatistics(moments)),
  };
}

/** Some tokens of every image, the same ones of whatever is added in the same order. */
interface Sampler {
  add(tokens: tf.Tensor3D, images: number): void;
  /** Those taken, `[count, width]`. */
  taken(): Float32Array;
}

function sampler(width: number, perImage: number, capacity: number): Sampler {
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
    taken: () => samples.subarray(0, count * width),
  };
}

/** Principal components; and what the latents predict of them once white, where samples of latents are taken. */
function components(width: number, kept: number, own: Sampler, latent: Sampler | undefined): Fitter {
  return {
    add: (tokens, latents, images) => {
      own.add(tokens, images);
      latent?.add(latents, images);
    },
    result: async () => {
      const count = own.taken().length / width;
      const matrix = tf.tensor2d(own.taken(), [count, width]);
      try {
        const pca = await fitPca(matrix, kept, await symmetricEigen());
        if (latent === undefined) return pcaNorm(pca);
        const white = tf.tidy(() => projectTokens(tf.expandDims(matrix), pca, true).dataSync());
        return { ...pcaNorm(pca), ...fitPrediction(latent.taken(), white as Float32Array, count) };
      } finally {
        matrix.dispose();
      }
    },
  };
}

function fitterOf(config: VaeConfig, request: FeatureRequest, width: number, images: number): Fitter {
  const { grid, size, hierarchy } = request;
  if (!reduces(hierarchy)) return statistics(width);
  const most = Math.floor(SAMPLE_BYTES / (4 * width));
  const wanted = Math.max(
    hierarchy.components + 1,
    width > LARGEST_SIDE ? Math.min(most, LARGEST_SIDE) : most,
  );
  const perImage = Math.min(grid * grid, Math.ceil(wanted / images));
  const capacity = Math.min(wanted, images * perImage);
  const [height, across, channels] = latentShape(config, size);
  const latentWidth = (height * across * channels) / grid ** 2;
  const latent = hierarchy.norm === 'innovation' ? sampler(latentWidth, perImage, capacity) : undefined;
  return components(width, hierarchy.components, sampler(width, perImage, capacity), latent);
}

/** Whether a request needs numbers that are fitted on images. */
export const needsFit = ({ groups, hierarchy: { norm } }: FeatureRequest): boolean =>
  groups.length > 0 && norm !== 'none' && norm !== 'spatial';

/** Fits on `hierarchy.calibration` images; `raw` encodes without normalisation, `batch` images at a time. Bad images are passed over. */
export async function fitNorms(
  raw: FeatureEncoder,
  pictures: Pictures,
  config: VaeConfig,
  request: FeatureRequest,
  batch: number,
  onProgress: (done: number, total: number) => void,
): Promise<FittedNorms> {
  const count = pictures.names.length;
  const total = Math.min(request.hierarchy.calibration, count);
  const fitters = rawWidths(config, request).map((width) => fitterOf(config, request, width, total));
  for (let start = 0; start < total; start += batch) {
    await setImmediate();
    const rows = Array.from({ length: Math.min(batch, total - start) }, (_, i) =>
      Math.floor(((start + i) * count) / total),
    );
    const read = await Promise.allSettled(rows.map((row) => pictures.picture(row)));
    const good = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value.pixels] : []));
    if (good.length > 0) addAll(raw, fitters, padded(good, batch), good.length, request);
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
  { size, grid }: FeatureRequest,
): void {
  tf.tidy(() => {
    const { mean, tokens } = raw.encode(pictureTensor(images, size));
    const latents = latentTokens(mean, grid);
    tokens.forEach((group, g) => void fitters[g]?.add(group, latents, good));
  });
}

/** Images of a whole batch: the last fills it up, so that all batches have one shape. */
export const padded = (images: readonly Uint8Array[], batch: number): Uint8Array[] =>
  Array.from({ length: batch }, (_, i) => images[Math.min(i, images.length - 1)] as Uint8Array);
