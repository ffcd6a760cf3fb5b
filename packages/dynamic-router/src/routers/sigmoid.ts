/** A handover from the finest group to the coarsest along a sigmoid of the time. */
import { positive, section } from '@ahpa/options';
import { z } from 'zod';
import { sigmoidRoute } from '../fixed.ts';
import { defineRouter } from '../kind.ts';
import { fixedWeights, time } from './fixed-weights.ts';

/** The coarsest group has 1 / (1 + e^(-slope (t - centre))), the finest the rest. */
export const sigmoid = defineRouter({
  kind: 'sigmoid',
  label: 'From the finest group at low t to the coarsest at high t; ours.',
  options: section({
    slope: positive(10, 'Of the change at the centre.'),
    centre: z.number().min(0).max(1).default(0.5).describe('Time at which both weigh the same.'),
    time,
  }),
  create: ({ slope, centre, time }, { groups, seed }) =>
    fixedWeights(time, seed, (t) => sigmoidRoute(slope, centre, t, groups.length)),
});
