/**
 * Routers that follow running means of the groups' distances in bins of t, with no network and no gradient.
 * analytic: w(t) = softmax(-l(t) / beta)     gap: w(t) = softmax(gap(t) / beta), what the student still lacks at t
 */
import { type BinMeans, closedForm, gapTable, initBinMeans, lookUp, routeTime } from '@ahpa/dynamic-router';
import type { MeasuredRouter } from '../../config/types-alignment.ts';
import { distanceMetrics, rememberDistances } from './memory.ts';
import type { Router } from './router.ts';

type Memory = { readonly distances: BinMeans };

/** The router of a configuration over `groups` groups. */
export function measuredRouter(
  { train, beta, decay, time }: MeasuredRouter,
  groups: number,
  seed: number,
): Router<Record<string, never>, Memory> {
  const table = train === 'analytic' ? closedForm : gapTable;
  return {
    init: () => ({}),
    memory: () => ({ distances: initBinMeans(groups) }),
    route: (_, { t, memory }) => ({
      weights: lookUp(table(memory.distances.mean, beta), routeTime(time, t, seed)),
    }),
    observe: distanceMetrics,
    update: ({ distances }, metrics) => ({ distances: rememberDistances(distances, metrics, decay) }),
  };
}
