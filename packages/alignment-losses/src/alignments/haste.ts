/**
 * HASTE: REPA, and attention maps of middle blocks that follow the teacher's; both end at a step (`schedule.kind: step`).
 * weight L = weight L_REPA + attention.weight mean_{n,b,heads,rows} H(softmax(A_teacher), softmax(A_student))
 */
import { positive, section } from '@ahpa/options';
import type { FeatureGroup, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { affinityLogits, attentionDistance } from '../attention.ts';
import { completeAlignment } from '../complete.ts';
import { cosineTokens } from '../cosine.ts';
import { initHeads } from '../heads.ts';
import { ascending, beyondDepth, defineAlignment } from '../kind.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { head, teacher, teacherTargets, weighted } from './options.ts';
import { type ProjectionParams, project, projection } from './projection.ts';
import type { GroupTargets } from './single.ts';

type Targets = { readonly tokens: tf.Tensor3D; readonly attention: readonly tf.Tensor4D[] };

const options = section({
  ...weighted(0.5, 'HASTE'),
  teacher,
  head: head('mlp', 2048, 3, 'REPA'),
  attention: section({
    weight: z.number().min(0).default(0.5).describe('Of the attention loss in the total; HASTE.'),
    blocks: z
      .array(z.int().min(0))
      .min(1)
      .default([4, 5, 6, 7])
      .describe('Blocks of the transformer, counted from 0; HASTE.'),
    temperature: positive(
      0.1,
      'Of the affinities between tokens of a teacher that shows no attention; ours.',
    ),
  })
    .prefault({})
    .describe('The attention that is aligned.'),
});

/**
 * HASTE, after its code. The teacher's tokens are the first target, its attention logits one further target `[B, T, heads T]` for
 * each block, row by row; without them, affinities of the teacher's tokens are used for every block.
 */
export const haste = defineAlignment({
  kind: 'haste',
  label: "A frozen teacher's tokens and attention, for a while; HASTE.",
  options,
  taps: ({ attention }, encoderDepth) => ({
    depths: [encoderDepth],
    attention: ascending(attention.blocks),
  }),
  targets: ({ teacher }) => teacherTargets(teacher),
  problems: ({ attention }, { depth }) =>
    beyondDepth(
      ['attention', 'blocks'],
      attention.blocks.map((block) => block + 1),
      depth,
    ),
  weight: weightSchedule,
  create: ({ weight, attention, head }, { hiddenSize, groups }) => {
    const [{ width }, ...maps] = groups as [FeatureGroup, ...FeatureGroup[]];
    const blocks = attention.blocks.length;
    if (maps.length !== 0 && maps.length !== blocks) {
      throw new RangeError(
        `alignment.attention.blocks: the teacher shows the attention of ${maps.length} layers, got ${blocks} blocks; name as many blocks.`,
      );
    }
    const heads = projection(head, hiddenSize, [width]);
    const share = weight === 0 ? 0 : attention.weight / weight;
    return completeAlignment<ProjectionParams, GroupTargets, Tree, Targets>({
      init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
      targets: ({ targets: [tokens, ...logits] }) => ({
        tokens: tf.clone(tokens as tf.Tensor3D),
        attention:
          logits.length > 0
            ? logits.map(byHead)
            : new Array(blocks).fill(affinityLogits(tokens as tf.Tensor3D, attention.temperature)),
      }),
      loss({ projectors }, activations, { targets }) {
        const [projected] = project(projectors, () => activations.branch('tokens', 0), heads);
        const distance = tf.mean(cosineTokens(projected as tf.Tensor3D, targets.tokens)) as tf.Scalar;
        const each = activations.attention.map((student, b) =>
          attentionDistance(student, targets.attention[b] as tf.Tensor4D),
        );
        const attended = tf.mean(tf.stack(each)) as tf.Scalar;
        const loss = tf.add(distance, tf.mul(attended, share)) as tf.Scalar;
        return { loss, distance, metrics: { attention: attended } };
      },
    });
  },
});

/** `[B, T, heads T]` -> `[B, heads, T, T]`. */
function byHead(rows: tf.Tensor3D): tf.Tensor4D {
  const [batch, tokens, width] = rows.shape;
  return tf.tidy(() => tf.transpose(tf.reshape(rows, [batch, tokens, width / tokens, tokens]), [0, 2, 1, 3]));
}
