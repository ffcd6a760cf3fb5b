/** Image samplers: a denoiser's velocity, a decoder and the configuration of the sampler. */
import {
  applyDiT,
  type DiTConfig,
  type DiTParams,
  isDiffusion,
  predictNoise,
  type SampleConfig,
  type VelocityFn,
} from '@ahpa/dit-core';
import type { Model } from '@ahpa/engine';
import { vaeStride } from '@ahpa/image-features';
import { userError } from '@ahpa/messages';
import { LANES } from '@ahpa/ops';
import { decode, unscaleLatent, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import type { DataShape } from '../records/checkpoints.ts';
import { type SamplerFlops, samplerFlops } from './sampler-cost.ts';

/** Turns latents in diffusion units `[B, h, w, C]` into images `[B, H, W, 3]`. */
export type Decoder = (latent: Tensor4D) => Tensor4D;

/** Everything that images are sampled with. */
export interface ImageSampler {
  readonly velocity: VelocityFn;
  /** The model that guidance leads away from, in place of the null class. */
  readonly weak?: VelocityFn;
  readonly decode: Decoder;
  readonly shape: DataShape;
  readonly config: SampleConfig;
  /** Side of an image in pixels. */
  readonly size: number;
  readonly flops: SamplerFlops;
}

/** Network, data shape and decoder that a sampler is built from. */
export interface SamplerParts {
  readonly model: DiTConfig;
  readonly shape: DataShape;
  readonly decode: Decoder;
  /** The VAE that decodes. */
  readonly vae: VaeConfig;
}

/** The image sampler of a denoiser that is on an engine. @throws where the sampler does not suit what the network predicts. */
export function imageSampler<P extends DiTParams>(
  { sample, interpolant }: Pick<TrainConfig, 'sample' | 'interpolant'>,
  { model, shape, decode, vae }: SamplerParts,
  denoiser: Model<P>,
): ImageSampler {
  const velocity = denoiserVelocity(denoiser, model);
  const { classes: _, perClass: __, ...settings } = sample;
  const config: SampleConfig = { ...settings, path: interpolant.path, nullClass: shape.classes };
  assertSuits(config, model);
  const size = shape.latentSize * vaeStride(vae);
  return { velocity, decode, shape, config, size, flops: samplerFlops(model, vae, size) };
}

function assertSuits(config: SampleConfig, { convention }: DiTConfig): void {
  const predictsNoise = convention === 'dit';
  if (isDiffusion(config) === predictsNoise) return;
  throw userError(
    predictsNoise
      ? `The sampler ${config.sampler} follows a velocity, and DiT's networks predict noise: choose ddpm or ddim.`
      : `The sampler ${config.sampler} is for DiT's networks, which predict noise, and this one predicts a velocity: choose euler, heun, sde or dopri5.`,
  );
}

/** The velocity of a denoiser, or the noise where it predicts that, computed on its device. */
export function denoiserVelocity<P extends DiTParams>(denoiser: Model<P>, network: DiTConfig): VelocityFn {
  const config: DiTConfig = { ...network, lanes: LANES };
  const predict = (...[params, x, t, y]: [DiTParams, Tensor4D, Tensor1D, Tensor1D]): Tensor4D =>
    config.convention === 'dit'
      ? predictNoise(params, x, t, y, config)
      : applyDiT(params, x, t, y, config).velocity;
  const run = denoiser.bind((params, x: Tensor4D, t: Tensor1D, y: Tensor1D) => ({
    out: predict(params, x, t, y),
  }));
  return (x, t, y) => run(x, t, y).out;
}

/** The decoder of a VAE. */
export function decoder(vae: Model<VaeParams>, config: VaeConfig): Decoder {
  const run = vae.map((params, latent: Tensor4D) => ({
    image: decode(params, unscaleLatent(latent, config), config),
  }));
  return (latent) => run(latent).image;
}
