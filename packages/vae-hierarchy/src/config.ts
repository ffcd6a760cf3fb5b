/** Sizes of the VAEs this package computes: AutoencoderKL and AutoencoderTiny. */

/** From latents of a VAE to latents of diffusion: `(z - shiftFactor) * scalingFactor`, or with lists, by channel. */
export interface LatentScaling {
  readonly scalingFactor: number;
  readonly shiftFactor: number;
  /** With `latentsStd`: `(z - latentsMean) * scalingFactor / latentsStd`, one number a channel. */
  readonly latentsMean?: readonly number[];
  readonly latentsStd?: readonly number[];
}

interface Sizes extends LatentScaling {
  readonly inChannels: 3;
  /** Channels of each resolution level, finest first; a level halves the size of the one before. */
  readonly blockOutChannels: readonly number[];
  readonly latentChannels: number;
}

/** An AutoencoderKL: the VAE of Stable Diffusion, SDXL, SD3 and FLUX. */
export interface KlVaeConfig extends Sizes {
  readonly kind?: 'kl';
  /** Residual blocks of an encoder level; a decoder level has one more. */
  readonly layersPerBlock: number;
  readonly normNumGroups: number;
  /** Whether the middle of the encoder and the decoder has a single-head attention. */
  readonly midBlockAttention: boolean;
  /** False where there are no 1x1 convolutions around the latent (SD3, FLUX); absent where there are (SD, SDXL). */
  readonly quantConv?: false;
}

/** An AutoencoderTiny: the TAESD family, whose encoder gives the latent without a variance. */
export interface TinyVaeConfig extends Sizes {
  readonly kind: 'tiny';
  /** Residual blocks of each encoder level, finest first. */
  readonly encoderBlocks: readonly number[];
  /** Residual blocks of each decoder level, coarsest first. */
  readonly decoderBlocks: readonly number[];
  /** Whether the blocks at the coarsest level have a normalized branch over the whole image (TAEF2). */
  readonly globalBranch: boolean;
}

/**
 * Sizes of one VAE of either kind; images are `[B, H, W, inChannels]`, latents
 * `[B, H / 2^(levels-1), W / 2^(levels-1), latentChannels]`.
 */
export type VaeConfig = KlVaeConfig | TinyVaeConfig;

/** Stable Diffusion's VAE (kl-f8, sd-vae-ft-ema, sd-vae-ft-mse): stride 8, 4 latent channels. */
export const SD_VAE_F8D4: KlVaeConfig = {
  inChannels: 3,
  blockOutChannels: [128, 256, 512, 512],
  layersPerBlock: 2,
  latentChannels: 4,
  normNumGroups: 32,
  midBlockAttention: true,
  scalingFactor: 0.18215,
  shiftFactor: 0,
};
