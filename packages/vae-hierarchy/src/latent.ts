/** Sampling and scaling of latents. */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import type { Posterior } from './encoder.ts';

/** `mean + exp(logVar / 2) * noise`, all `[B, h, w, C]`; `noise` is standard normal. */
export function samplePosterior({ mean, logVar }: Posterior, noise: tf.Tensor): tf.Tensor4D {
  return tf.tidy(() => tf.add(mean, tf.mul(tf.exp(tf.mul(logVar, 0.5)), noise)));
}

/** VAE latent -> diffusion latent: `(z - shiftFactor) * scalingFactor`. */
export function scaleLatent(z: tf.Tensor4D, config: VaeConfig): tf.Tensor4D {
  return tf.tidy(() => tf.mul(tf.sub(z, config.shiftFactor), config.scalingFactor));
}

/** Diffusion latent -> VAE latent: `z / scalingFactor + shiftFactor`. */
export function unscaleLatent(z: tf.Tensor4D, config: VaeConfig): tf.Tensor4D {
  return tf.tidy(() => tf.add(tf.div(z, config.scalingFactor), config.shiftFactor));
}
