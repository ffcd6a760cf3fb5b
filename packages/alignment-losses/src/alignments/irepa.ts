/**
 * iREPA: hidden tokens, projected by a convolution, follow a teacher's tokens with the spatial mean partly removed.
 * L = mean_{n,k} 1 - cos(P(h_n)_k, y'_n,k),  y' = (y - gamma mean_T y) / (std_T y + 1e-6)
 */
import { section } from '@ahpa/options';
import type { FeatureGroup } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { defineAlignment } from '../kind.ts';
import { SPATIAL_GAMMA, spatialZScore } from '../normalize.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { head, teacher, teacherTargets, weighted } from './options.ts';
import { projection } from './projection.ts';
import { singleTerm } from './single.ts';

/** iREPA, after its code. */
export const irepa = defineAlignment({
  kind: 'irepa',
  label: "A frozen teacher's tokens normalised over space, through a convolution; iREPA.",
  options: section({
    ...weighted(1, 'iREPA'),
    teacher,
    head: head('conv', 2048, 3, 'iREPA'),
    gamma: z
      .number()
      .min(0)
      .max(1)
      .default(SPATIAL_GAMMA)
      .describe("Share of each channel's mean that is taken away; iREPA."),
  }),
  targets: ({ teacher }) => teacherTargets(teacher),
  weight: weightSchedule,
  create(options, { hiddenSize, groups: [teacher] }) {
    const { width } = teacher as FeatureGroup;
    return singleTerm({
      heads: projection(options.head, hiddenSize, [width]),
      distance: 'cosine',
      tap: 0,
      target: ({ targets: [tokens] }) => spatialZScore(tokens as tf.Tensor3D, options.gamma),
    });
  },
});
