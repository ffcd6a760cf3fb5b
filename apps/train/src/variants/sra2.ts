/**
 * SRA2: hidden tokens, projected by five linear layers, follow the clean latent itself, cut into the same patches.
 * L = mean smoothL1(P(h_n), patches(x0_n)), beta 0.05
 */
import { type HeadsConfig, type HeadsParams, initHeads, tokenDistance } from '@ahpa/alignment-losses';
import { patchify } from '@ahpa/dit-core';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { Sra2Config } from '../config/types-alignment.ts';
import { type AlignmentContext, headKind } from './context.ts';
import { applyHeadsInLanes } from './heads.ts';
import { scheduled } from './scheduled.ts';

/** The trained part of SRA2; dropped at export. */
export type Sra2Params = { readonly projectors: HeadsParams };

/** The alignment of hidden tokens `[B, T, hiddenSize]` with the latent `[B, T, p*p*C]`: the one that is noised, or the batch's target. */
export function sra2Alignment(
  config: Sra2Config,
  { hiddenSize, latentWidth, patchSize }: AlignmentContext,
): Alignment<Sra2Params, readonly tf.Tensor3D[]> {
  const heads: HeadsConfig = {
    inFeatures: hiddenSize,
    outs: [latentWidth],
    head: headKind(config.head, hiddenSize),
  };
  return scheduled(config, {
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
    targets: ({ x0, targets: [mean] }) =>
      config.latent === 'sample' ? [patchify(x0, patchSize)] : [tf.clone(mean as tf.Tensor3D)],
    loss({ projectors }, { hidden }, { targets: [latent] }) {
      const [projected] = applyHeadsInLanes(projectors, () => hidden[0] as tf.Tensor3D, heads);
      const loss = tf.mean(tokenDistance(config.distance, projected as tf.Tensor3D, latent as tf.Tensor3D));
      return { loss: loss as tf.Scalar, metrics: { distance: loss } };
    },
  });
}
