/**
 * Weights that follow running means of the groups' distances in bins of t, with no network and no gradient.
 * analytic: w(t) = softmax(-l(t) / beta)     gap: w(t) = softmax(gap(t) / beta), by the remaining gap at t
 */
import { fraction, positive, section } from '@ahpa/options';
import type { Sums, Tree } from '@ahpa/ports';
import { z } from 'zod';
import { type BinMeans, binSums, initBinMeans, lookUp, updateBinMeans } from '../bins.ts';
import { completeRouter } from '../complete.ts';
import { defineRouter } from '../kind.ts';
import { closedForm, gapTable } from '../measured.ts';
import { routeTime } from '../time.ts';
import { time } from './fixed-weights.ts';

type State = { readonly distances: BinMeans };
type Observed = { readonly distances: Sums };

/** Closed-form weights of the distances measured so far. */
export const measured = defineRouter({
  kind: 'measured',
  label: 'Weights in closed form from running means in 32 bins of t; ours.',
  options: section({
    train: z
      .enum(['analytic', 'gap'])
      .default('gap')
      .describe(
        'softmax(-loss / beta), the limit of a learned router under entropy beta; or softmax(gap / beta), what the student still lacks (after RARE).',
      ),
    beta: positive(0.2, 'Softness of the weights; ours.'),
    decay: fraction(0.99, 'Of the running means per step; ours.'),
    time,
  }),
  create: ({ train, beta, decay, time }, { groups, seed }) => {
    const table = train === 'analytic' ? closedForm : gapTable;
    return completeRouter<Tree, State, Observed>({
      initState: () => ({ distances: initBinMeans(groups.length) }),
      route: (_, { t, state }) => ({
        weights: lookUp(table(state.distances.mean, beta), routeTime(time, t, seed)),
      }),
      observe: (perGroup, t) => ({ distances: binSums(perGroup, t) }),
      update: ({ distances }, { observed }) => ({
        distances: updateBinMeans(distances, observed.distances, decay),
      }),
    });
  },
});
