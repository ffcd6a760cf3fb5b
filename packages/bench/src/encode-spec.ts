/** A benchmark of a VAE's encoder, in the form that both sides read. */
import { SD_VAE_F8D4, type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';

/** One side's work; the same JSON goes to the worker of this package and to `python/torch_encode.py`. */
export interface EncodeSpec {
  readonly work: 'encode';
  readonly vae: EncoderName;
  /** Side of the square images. */
  readonly size: number;
  readonly batch: number;
  readonly precision: 'f32' | 'bf16';
  readonly threads: number;
}

/** The encoders that can be measured. */
export type EncoderName = 'sd-vae' | 'taef2';

/** Their sizes: Stable Diffusion's, and TAEF2's layout, whose weights are random here. */
export const ENCODERS: Readonly<Record<EncoderName, VaeConfig>> = {
  'sd-vae': SD_VAE_F8D4,
  taef2: {
    kind: 'tiny',
    inChannels: 3,
    blockOutChannels: [64, 64, 64, 64],
    latentChannels: 32,
    encoderBlocks: [1, 3, 3, 3],
    decoderBlocks: [3, 3, 3, 1],
    globalBranch: true,
    scalingFactor: 1,
    shiftFactor: 0,
  },
};

/** Floating-point operations of encoding one batch; element-wise work is not counted. */
export function encodeFlops({ vae, size, batch }: EncodeSpec): number {
  const macs = vaeTaps(ENCODERS[vae], size, size).at(-1)?.cumulativeMacs ?? 0;
  return 2 * macs * batch;
}
