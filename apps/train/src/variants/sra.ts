/**
 * SRA: hidden tokens, projected by two linear layers, follow those of the averaged network at a deeper block and an earlier time, on
 * the same latent, noise and label.
 * L = mean smoothL1(P(h_m(x_t, t)), h'_n(x_t', t')),  t' = max(t - 0.2 u, 0),  u uniform in [0, 1)
 */

import {
  earlierTimes,
  type HeadsConfig,
  type HeadsParams,
  initHeads,
  tokenDistance,
} from '@ahpa/alignment-losses';
import type { Tree } from '@ahpa/ports';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { SraConfig } from '../config/types-alignment.ts';
import { type AlignmentContext, headKind, tapsOf } from './context.ts';
import { applyHeadsInLanes } from './heads.ts';
import { scheduled } from './scheduled.ts';

/** The trained part of SRA; dropped at export. */
export type SraParams = { readonly projectors: HeadsParams };

/** The alignment of hidden tokens `[B, T, hiddenSize]` with the averaged network's own. */
export function sraAlignment(
  config: SraConfig,
  { hiddenSize, encoderDepth }: AlignmentContext,
): Alignment<SraParams, Tree, Tree, tf.Tensor3D> {
  const { depths } = tapsOf(config, encoderDepth);
  const [own, teachers] = [depths.indexOf(encoderDepth), depths.indexOf(config.teacherDepth)];
  const heads: HeadsConfig = {
    inFeatures: hiddenSize,
    outs: [hiddenSize],
    head: headKind(config.head, hiddenSize),
  };
  return scheduled(config, {
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
    targets: ({ teacher, t, chance }) =>
      teacher(earlierTimes(t, chance, config.interval)).hidden[teachers] as tf.Tensor3D,
    loss({ projectors }, { hidden }, { targets }) {
      const [projected] = applyHeadsInLanes(projectors, () => hidden[own] as tf.Tensor3D, heads);
      const loss = tf.mean(tokenDistance(config.distance, projected as tf.Tensor3D, targets));
      return { loss: loss as tf.Scalar, metrics: { distance: loss } };
    },
  });
}
