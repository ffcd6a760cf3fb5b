/** Sampling and scaling of latents. */
import * as tf from '@tensorflow/tfjs-core';
import type { LatentScaling } from './config.ts';
import type { Posterior } from './encoder.ts';

/** `mean + exp(logVar / 2) * noise`, all `[B, h, w, C]`; `noise` is standard normal. */
export function samplePosterior({ mean, logVar }: Posterior, noise: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => tf.add(mean, tf.mul(tf.exp(tf.mul(logVar, 0.5)), noise)));
}

/** Offset and factor of a scaling, one number or one a channel: a diffusion latent is `(z - offset) * factor`. */
function affine(scaling: LatentScaling): [offset: number | tf.Tensor1D, factor: number | tf.Tensor1D] {
  const { latentsMean, latentsStd, scalingFactor, shiftFactor } = scaling;
  if (!latentsMean || !latentsStd) return [shiftFactor, scalingFactor];
  return [tf.tensor1d([...latentsMean]), tf.tensor1d(latentsStd.map((std) => scalingFactor / std))];
}

/** VAE latent -> diffusion latent, `[B, h, w, C]`; see `LatentScaling`. */
export function scaleLatent(z: tf.Tensor4D, scaling: LatentScaling): tf.Tensor4D {
  return tf.tidy(() => {
    const [offset, factor] = affine(scaling);
    return tf.mul(tf.sub(z, offset), factor);
  });
}

/** Diffusion latent -> VAE latent, the inverse of `scaleLatent`. */
export function unscaleLatent(z: tf.Tensor4D, scaling: LatentScaling): tf.Tensor4D {
  return tf.tidy(() => {
    const [offset, factor] = affine(scaling);
    return tf.add(tf.div(z, factor), offset);
  });
}
