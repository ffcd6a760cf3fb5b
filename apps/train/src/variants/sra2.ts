/** SRA2: the projected tokens follow the clean latent itself, by smooth L1. */
import { applyHead, type HeadConfig, type HeadParams, initHead, sra2Loss } from '@ahpa/alignment-losses';
import type { Alignment } from '@ahpa/trainer';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { Sra2Config } from '../config/types.ts';

/** The trained part of SRA2; dropped at export. */
export type Sra2Params = { readonly projectors: readonly HeadParams[] };

/** The alignment of hidden tokens `[B, T, hiddenSize]` with the latent cut into tokens `[B, T, width]`. */
export function sra2Alignment(
  config: Sra2Config,
  width: number,
  hiddenSize: number,
): Alignment<Sra2Params, readonly Tensor3D[]> {
  const head: HeadConfig = { ...config.head, inFeatures: hiddenSize, out: width };
  return {
    weight: config.weight,
    init: (rng) => ({ projectors: [initHead(head, rng, 'projectors.0')] }),
    loss(params, { hidden }, { targets }) {
      const projected = applyHead(params.projectors[0] as HeadParams, hidden[0] as Tensor3D, head);
      return { loss: sra2Loss(projected, targets[0] as Tensor3D), metrics: {} };
    },
  };
}
