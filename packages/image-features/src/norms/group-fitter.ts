/** Fits the normalisation of one group of tokens: moments of its channels, or principal components of samples. */
import {
  addMoments,
  channelStatistics,
  emptyMoments,
  fitPca,
  projectTokens,
  type VaeConfig,
} from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { type FeatureRequest, latentShape, reduces } from '../feature-request.ts';
import { fitPrediction } from './fit-prediction.ts';
import { datasetNorm, type FittedNorm, pcaNorm } from './fitted-norms.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Memory for the tokens of one group that a PCA is fitted on. */
const SAMPLE_BYTES = 256 << 20;
/** The smaller side of the matrix that a PCA decomposes. */
const LARGEST_SIDE = 2048;
/** Spreads the tokens that are taken of an image; coprime to any grid. */
const STEP = 7919;

/** Gathers tokens of one group and the latents below them, and fits the group's normalisation on them. */
export interface GroupFitter {
  /** Adds the first `images` items of tokens `[B, T, width]` and latents `[B, T, d]`. */
  add(tokens: tf.Tensor3D, latents: tf.Tensor3D, images: number): void;
  result(): FittedNorm | Promise<FittedNorm>;
}

function statistics(width: number): GroupFitter {
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
function components(width: number, kept: number, own: Sampler, latent: Sampler | undefined): GroupFitter {
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

/** The fitter of one group with tokens of `width` channels, for so many images. */
export function groupFitter(
  config: VaeConfig,
  request: FeatureRequest,
  width: number,
  images: number,
): GroupFitter {
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
