/** One group alone, for comparison. */
import { section } from '@ahpa/options';
import { z } from 'zod';
import { oneHotRoute } from '../fixed.ts';
import { defineRouter } from '../kind.ts';
import { fixedWeights } from './fixed-weights.ts';

/** All weight on one group. */
export const oneHot = defineRouter({
  kind: 'one-hot',
  label: 'One group alone, for comparison.',
  options: section({ group: z.string().min(1).describe('Its name.') }),
  create: ({ group: name }, { groups, seed }) => {
    const group = groups.indexOf(name);
    if (group < 0) {
      throw new RangeError(`alignment.router.group: wanted one of ${groups.join(', ')}, got "${name}".`);
    }
    return fixedWeights('as-is', seed, (t) => oneHotRoute(group, t, groups.length));
  },
});
