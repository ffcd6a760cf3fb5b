/**
 * REPA: hidden tokens, projected by three linear layers, follow the tokens of a frozen teacher.
 * L = mean_{n,k} 1 - cos(P(h_n)_k, y_n,k)
 */
import { section } from '@ahpa/options';
import type { FeatureGroup } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { defineAlignment } from '../kind.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { distance, head, teacher, teacherTargets, weighted } from './options.ts';
import { projection } from './projection.ts';
import { singleTerm } from './single.ts';

/** REPA, after `loss.py` and `models/sit.py` of its code. */
export const repa = defineAlignment({
  kind: 'repa',
  label: "A frozen teacher's tokens; REPA.",
  options: section({
    ...weighted(0.5, 'REPA'),
    teacher,
    head: head('mlp', 2048, 3, 'REPA'),
    distance,
  }),
  targets: ({ teacher }) => teacherTargets(teacher),
  weight: weightSchedule,
  create(options, { hiddenSize, groups: [teacher] }) {
    const { width } = teacher as FeatureGroup;
    return singleTerm({
      heads: projection(options.head, hiddenSize, [width]),
      distance: options.distance,
      tap: 0,
      target: ({ targets: [tokens] }) => tf.clone(tokens as tf.Tensor3D),
    });
  },
});
