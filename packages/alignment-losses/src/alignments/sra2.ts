/**
 * SRA2: hidden tokens, projected by five linear layers, follow the clean latent itself, cut into the same patches.
 * L = mean smoothL1(P(h_n), patches(x0_n)), beta 0.05
 */
import { patchify } from '@ahpa/ops';
import { section } from '@ahpa/options';
import { z } from 'zod';
import { defineAlignment } from '../kind.ts';
import { weightSchedule } from '../weight-schedule.ts';
import { head, weighted } from './options.ts';
import { projection } from './projection.ts';
import { singleTerm } from './single.ts';

/** SRA2, after its paper. */
export const sra2 = defineAlignment({
  kind: 'sra2',
  label: "The VAE's latent alone; SRA2.",
  options: section({
    ...weighted(1, 'SRA2'),
    latent: z
      .enum(['sample', 'mean'])
      .default('sample')
      .describe('The latent that the step noises, or the mean of its posterior; not published.'),
    distance: z.enum(['smooth-l1', 'cosine', 'l1', 'l2']).default('smooth-l1').describe('SRA2.'),
    head: head('mlp', null, 5, 'SRA2'),
  }),
  weight: weightSchedule,
  create({ latent, distance, head }, { hiddenSize, latentWidth, patchSize }) {
    return singleTerm({
      heads: projection(head, hiddenSize, [latentWidth]),
      distance,
      tap: 0,
      target: ({ x0, mean }) => patchify(latent === 'sample' ? x0 : mean, patchSize),
    });
  },
});
