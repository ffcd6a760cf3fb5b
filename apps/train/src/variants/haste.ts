/**
 * HASTE: REPA, and attention maps of middle blocks that follow the teacher's; both end at a step (`schedule.kind: step`).
 * weight L = weight L_REPA + attention.weight mean_{n,b,heads,rows} H(softmax(A_teacher), softmax(A_student))
 */

import {
  affinityLogits,
  attentionDistance,
  type HeadsConfig,
  type HeadsParams,
  initHeads,
  repaLoss,
} from '@ahpa/alignment-losses';
import type { Tree } from '@ahpa/ports';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { HasteConfig } from '../config/types-alignment.ts';
import { type AlignmentContext, type FeatureGroup, headKind } from './context.ts';
import { applyHeadsInLanes } from './heads.ts';
import { scheduled } from './scheduled.ts';

/** The trained part of HASTE; dropped at export. */
export type HasteParams = { readonly projectors: HeadsParams };

type Targets = { readonly tokens: tf.Tensor3D; readonly attention: readonly tf.Tensor4D[] };

/**
 * The alignment with a teacher's tokens, the first target, and its attention logits, one further target `[B, T, heads T]` for each
 * block, row by row; where a teacher shows none, the affinities of its tokens stand in for every block.
 */
export function hasteAlignment(
  config: HasteConfig,
  { hiddenSize, groups }: AlignmentContext,
): Alignment<HasteParams, readonly tf.Tensor3D[], Tree, Targets> {
  const { weight, attention } = config;
  const [{ width }, ...maps] = groups as [FeatureGroup, ...FeatureGroup[]];
  const blocks = attention.blocks.length;
  if (maps.length !== 0 && maps.length !== blocks) {
    throw new RangeError(
      `alignment.attention.blocks: the teacher shows the attention of ${maps.length} layers, got ${blocks} blocks; name as many blocks.`,
    );
  }
  const heads: HeadsConfig = {
    inFeatures: hiddenSize,
    outs: [width],
    head: headKind(config.head, hiddenSize),
  };
  const share = weight === 0 ? 0 : attention.weight / weight;
  return scheduled<HasteParams, readonly tf.Tensor3D[], Tree, Targets>(config, {
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
    targets: ({ targets: [tokens, ...logits] }) => ({
      tokens: tf.clone(tokens as tf.Tensor3D),
      attention:
        logits.length > 0
          ? logits.map(byHead)
          : new Array(blocks).fill(affinityLogits(tokens as tf.Tensor3D, attention.temperature)),
    }),
    loss({ projectors }, seen, { targets }) {
      const [projected] = applyHeadsInLanes(projectors, () => seen.branch('tokens', 0), heads);
      const distance = repaLoss(projected as tf.Tensor3D, targets.tokens);
      const each = seen.attention.map((student, b) =>
        attentionDistance(student, targets.attention[b] as tf.Tensor4D),
      );
      const attended = tf.mean(tf.stack(each)) as tf.Scalar;
      const loss = tf.add(distance, tf.mul(attended, share)) as tf.Scalar;
      return { loss, metrics: { distance, attention: attended } };
    },
  });
}

/** `[B, T, heads T]` -> `[B, heads, T, T]`. */
function byHead(rows: tf.Tensor3D): tf.Tensor4D {
  const [batch, tokens, width] = rows.shape;
  return tf.tidy(() => tf.transpose(tf.reshape(rows, [batch, tokens, width / tokens, tokens]), [0, 2, 1, 3]));
}
