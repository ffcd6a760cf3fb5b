/** Arithmetic of sampling one image, in floating-point operations. */
import { type DiTConfig, forwardFlops, type SampleConfig } from '@ahpa/dit-core';
import { type VaeConfig, vaeTaps } from '@ahpa/vae-hierarchy';

/** Operations of one evaluation of the network, or of both where a weaker one guides, and of decoding. */
export interface SamplerFlops {
  readonly evaluation: number;
  readonly decoding: number;
}

/** Multiply-accumulates of a decoder for one of its encoder: it has a block more at each level. */
const DECODER_SHARE = 2.3;

/** Evaluations of a step of each sampler. */
const PER_STEP: Readonly<Record<SampleConfig['sampler'], number>> = {
  euler: 1,
  sde: 1,
  heun: 2,
  dopri5: 6,
  ddpm: 1,
  ddim: 1,
};

/** Steps that dopri5 is taken to need. */
const ADAPTIVE_STEPS = 20;

/** The operations of a network and a VAE, for images of side `size`. */
export function samplerFlops(network: DiTConfig, vae: VaeConfig, size: number): SamplerFlops {
  const encoder = vaeTaps(vae, size, size).at(-1)?.cumulativeMacs ?? 0;
  return { evaluation: forwardFlops(network).flops, decoding: 2 * DECODER_SHARE * encoder };
}

type Sampling = Pick<SampleConfig, 'sampler' | 'guidance'>;

/** Operations of one step of the sampler, guided where it ever is. */
export const stepFlops = ({ evaluation }: SamplerFlops, { sampler, guidance }: Sampling): number =>
  PER_STEP[sampler] * (guidance === 1 ? 1 : 2) * evaluation;

/** Operations of an image: all steps, guided inside the interval alone, and decoding. */
export function imageFlops(
  flops: SamplerFlops,
  {
    sampler,
    steps,
    guidance,
    guidanceInterval: [low, high],
  }: Sampling & { readonly steps: number } & Pick<SampleConfig, 'guidanceInterval'>,
): number {
  const taken = sampler === 'dopri5' ? ADAPTIVE_STEPS : steps;
  const guided = guidance === 1 ? 0 : high - low;
  return taken * PER_STEP[sampler] * (1 + guided) * flops.evaluation + flops.decoding;
}
