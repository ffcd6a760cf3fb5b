/** The recipe of `@ahpa/emoji-vae`: sizes, data and hyper-parameters. */

import type { EmojiSet } from '@ahpa/emoji-data/sets';
import type { VaeConfig } from '@ahpa/vae-hierarchy';
import type { VaeTrainConfig } from './step.ts';

/** f8, four latent channels, 1.84 million parameters. */
export const EMOJI_VAE: VaeConfig = {
  inChannels: 3,
  blockOutChannels: [24, 48, 64, 96],
  layersPerBlock: 1,
  latentChannels: 4,
  normNumGroups: 8,
  midBlockAttention: true,
  scalingFactor: 1,
  shiftFactor: 0,
};

/** Images: 64 pixels of every set, a tenth of the emoji held out. */
export const VAE_DATA: {
  readonly sets: readonly EmojiSet[];
  readonly size: number;
  readonly holdOut: number;
} = {
  sets: ['noto', 'fluent-emoji-flat', 'twemoji'],
  size: 64,
  holdOut: 0.1,
};

/** Hyper-parameters of a run of `steps` steps. */
export function vaeTrainConfig(steps: number): VaeTrainConfig {
  return {
    rate: {
      learningRate: 1.5e-3,
      warmup: 200,
      schedule: { kind: 'cosine', until: steps, final: 1e-5 },
    },
    adamw: { betas: [0.9, 0.99], epsilon: 1e-8, weightDecay: 0 },
    maxGradNorm: 1,
    emaDecay: 0.998,
    klWeight: 1e-4,
  };
}
