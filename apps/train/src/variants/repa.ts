/**
 * REPA: hidden tokens, projected by three linear layers, follow the tokens of a frozen teacher. iREPA: projected by a convolution,
 * they follow those tokens with the mean over space partly taken away.
 * REPA:  L = mean_{n,k} 1 - cos(P(h_n)_k, y_n,k)     iREPA: the same with y <- (y - gamma mean_T y) / (std_T y + 1e-6)
 */
import {
  type HeadsConfig,
  type HeadsParams,
  initHeads,
  spatialZScore,
  tokenDistance,
} from '@ahpa/alignment-losses';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { IrepaConfig, RepaConfig } from '../config/types-alignment.ts';
import { type AlignmentContext, type FeatureGroup, headKind } from './context.ts';
import { applyHeadsInLanes } from './heads.ts';
import { scheduled } from './scheduled.ts';

/** The trained part of REPA; dropped at export. */
export type RepaParams = { readonly projectors: HeadsParams };

/** The alignment of hidden tokens `[B, T, hiddenSize]` with a teacher's `[B, T, width]`. */
export function repaAlignment(
  config: RepaConfig | IrepaConfig,
  { hiddenSize, groups: [teacher] }: AlignmentContext,
): Alignment<RepaParams, readonly tf.Tensor3D[]> {
  const { width } = teacher as FeatureGroup;
  const heads: HeadsConfig = {
    inFeatures: hiddenSize,
    outs: [width],
    head: headKind(config.head, hiddenSize),
  };
  const distance = config.kind === 'repa' ? config.distance : 'cosine';
  return scheduled(config, {
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
    targets: ({ targets: [tokens] }) =>
      config.kind === 'repa'
        ? [tf.clone(tokens as tf.Tensor3D)]
        : [spatialZScore(tokens as tf.Tensor3D, config.gamma)],
    loss({ projectors }, { hidden }, { targets: [target] }) {
      const [projected] = applyHeadsInLanes(projectors, () => hidden[0] as tf.Tensor3D, heads);
      const loss = tf.mean(tokenDistance(distance, projected as tf.Tensor3D, target as tf.Tensor3D));
      return { loss: loss as tf.Scalar, metrics: { distance: loss } };
    },
  });
}
