/**
 * SRA: hidden tokens, projected by two linear layers, follow those of the averaged network at a deeper block and an earlier time, on
 * the same latent, noise and label.
 * L = mean smoothL1(P(h_m(x_t, t)), h'_n(x_t', t')),  t' = max(t - 0.2 u, 0),  u uniform in [0, 1)
 */
import { count, positive, section } from '@ahpa/options';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { earlierTimes, SRA_INTERVAL } from '../earlier-times.ts';
import { ascending, beyondDepth, defineAlignment } from '../kind.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { head, weighted } from './options.ts';
import { projection } from './projection.ts';
import { singleTerm } from './single.ts';

/** The network's own block and the averaged network's. */
const depths = (encoderDepth: number, teacherDepth: number): number[] =>
  ascending([encoderDepth, teacherDepth]);

/** SRA, after its code. */
export const sra = defineAlignment({
  kind: 'sra',
  label: 'The averaged network itself, at a deeper block and an earlier time; SRA.',
  options: section({
    ...weighted(0.2, 'SRA'),
    teacherDepth: count(
      8,
      "Block of the averaged network, counted from 1; SRA for SiT-B, whose student's is 3.",
    ),
    interval: positive(SRA_INTERVAL, 'The furthest that the averaged network looks ahead; SRA.'),
    distance: z
      .enum(['smooth-l1', 'cosine'])
      .default('smooth-l1')
      .describe('SRA; its authors later advise cosine with weight 0.5.'),
    head: head('mlp', null, 2, 'SRA'),
  }),
  taps: ({ teacherDepth }, encoderDepth) => ({ depths: depths(encoderDepth, teacherDepth), attention: [] }),
  problems: ({ teacherDepth }, { depth }) => beyondDepth(['teacherDepth'], [teacherDepth], depth),
  weight: weightSchedule,
  create({ teacherDepth, interval, distance, head }, { hiddenSize, encoderDepth }) {
    const taps = depths(encoderDepth, teacherDepth);
    return singleTerm({
      heads: projection(head, hiddenSize, [hiddenSize]),
      distance,
      tap: taps.indexOf(encoderDepth),
      target: ({ teacher, t, u }) =>
        teacher(earlierTimes(t, u, interval)).hidden[taps.indexOf(teacherDepth)] as tf.Tensor3D,
    });
  },
});
