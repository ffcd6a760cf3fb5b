/** SiT as the denoiser of a training step. */
import { LANES } from '@ahpa/ops';
import type { AlignmentSpec, Denoiser, Taps } from '@ahpa/ports';
import { type DiTConfig, tokenCount } from './config.ts';
import { applyDiT } from './dit.ts';
import { initDiT } from './init.ts';
import type { DiTParams } from './params.ts';

/** A SiT that returns the hidden tokens and attention logits that `taps` names, its batch in chains; by default those of `config`. */
export function sitDenoiser(config: DiTConfig, taps?: Taps): Denoiser<DiTParams> {
  const tapped: DiTConfig = {
    lanes: LANES,
    ...config,
    ...(taps && { encoderDepths: taps.depths, attentionTaps: taps.attention }),
  };
  return {
    init: (rng) => initDiT(tapped, rng),
    apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, tapped, tap),
  };
}

/** The sizes of a SiT that an alignment is created for. */
export function alignmentShape(
  config: DiTConfig,
): Pick<AlignmentSpec, 'hiddenSize' | 'tokens' | 'patchSize' | 'latentWidth'> {
  const { hiddenSize, patchSize, latentChannels } = config;
  return {
    hiddenSize,
    tokens: tokenCount(config),
    patchSize,
    latentWidth: latentChannels * patchSize ** 2,
  };
}
