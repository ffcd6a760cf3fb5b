/** What the frozen VAE makes of every training image: posteriors and, for alignment, tokens of encoder features. */
import type { TapGroup } from '../variants/targets.ts';

/** Tokens of one group, `[n, tokens, width]`, standardised per channel over all images, as float16 bits. */
export interface GroupTokens {
  readonly name: string;
  readonly tokens: number;
  readonly width: number;
  readonly values: Uint16Array<ArrayBuffer>;
}

/** Outputs of the VAE for `n` images. */
export interface Features {
  /** `[n, h, w, C]` of the latents. */
  readonly shape: readonly [n: number, height: number, width: number, channels: number];
  /** Posterior mean and standard deviation in diffusion units, `shape` each. */
  readonly mean: Float32Array<ArrayBuffer>;
  readonly std: Float32Array<ArrayBuffer>;
  readonly groups: readonly GroupTokens[];
}

/** Which features are wanted. */
export interface FeatureRequest {
  readonly groups: readonly TapGroup[];
  /** Side of the token grid. */
  readonly grid: number;
}
