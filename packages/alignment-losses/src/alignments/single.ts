/** Alignments of one term: projected tokens of one tap follow one target. */
import type { Alignment, AlignmentInputs, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { completeAlignment } from '../complete.ts';
import { type Distance, tokenDistance } from '../distance.ts';
import { type HeadsConfig, initHeads } from '../heads.ts';
import { type ProjectionParams, project } from './projection.ts';

/** The targets of batches: one `[B, T, width]` for each group. */
export type GroupTargets = readonly tf.Tensor3D[];

/** One term: the head, the distance, the tap it reads, and its target `[B, T, width]`. */
export interface Term {
  readonly heads: HeadsConfig;
  readonly distance: Distance;
  readonly tap: number;
  target(inputs: AlignmentInputs<GroupTargets, Tree>): tf.Tensor3D;
}

/** L = mean distance(P(h), y) over images and tokens. */
export function singleTerm({ heads, distance, tap, target }: Term): Alignment {
  return completeAlignment<ProjectionParams, GroupTargets, Tree, tf.Tensor3D>({
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors') }),
    targets: target,
    loss({ projectors }, { hidden }, { targets }) {
      const [projected] = project(projectors, () => hidden[tap] as tf.Tensor3D, heads);
      return { loss: tf.mean(tokenDistance(distance, projected as tf.Tensor3D, targets)) as tf.Scalar };
    },
  });
}
