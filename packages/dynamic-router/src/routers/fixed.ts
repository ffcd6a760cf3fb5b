/** Fixed (non-learned) weights by name, for comparison. */
import { section } from '@ahpa/options';
import { z } from 'zod';
import { fixedRoute } from '../fixed.ts';
import { defineRouter } from '../kind.ts';
import { fixedWeights, time } from './fixed-weights.ts';

/** Even weights, one group alone, or a straight handover from the coarsest at t = 1 to the finest at t = 0. */
export const fixed = defineRouter({
  kind: 'fixed',
  label: 'Fixed (non-learned) weights, for comparison.',
  options: section({
    schedule: z
      .enum(['uniform', 'coarse', 'fine', 'linear-handover'])
      .default('uniform')
      .describe('Even, one group only, or from the coarsest at t = 1 to the finest at t = 0.'),
    time,
  }),
  create: ({ schedule, time }, { groups, seed }) =>
    fixedWeights(time, seed, (t) => fixedRoute(schedule, t, groups.length)),
});
