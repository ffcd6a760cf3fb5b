/** An alignment whose weight follows a schedule, with what the schedule remembers beside the alignment's own memory. */

import {
  initScheduleMemory,
  measures,
  type ScheduleMemory,
  updateScheduleMemory,
  weightShare,
} from '@ahpa/alignment-losses';
import type { Metrics, Tree } from '@ahpa/ports';
import type { Alignment, AlignmentContext } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { Weighted } from '../config/types-alignment.ts';

/** An alignment without its weight. Its loss reports `distance`, the mean distance to its targets. */
export type Unweighted<P extends Tree, B extends Tree, M extends Tree, T extends Tree> = Omit<
  Alignment<P, B, M, T>,
  'weight'
>;

type Memory = { readonly own: Tree; readonly schedule: ScheduleMemory };

/** weight(step) = weight * share(step), the share by the schedule. */
export function scheduled<P extends Tree, B extends Tree, M extends Tree = Tree, T extends Tree = B>(
  { weight, schedule }: Weighted,
  inner: Unweighted<P, B, M, T>,
): Alignment<P, B, Tree, T> {
  const { targets, update } = inner;
  const own = <X extends Tree>(context: AlignmentContext<X, Tree>): AlignmentContext<X, M> => ({
    ...context,
    memory: (context.memory as Memory).own as M,
  });
  const measured = measures(schedule);
  return {
    weight:
      schedule.kind === 'constant'
        ? weight
        : (step, memory) => tf.mul(weightShare(schedule, step, (memory as Memory).schedule), weight),
    init: inner.init,
    memory: (rng) => ({
      own: inner.memory?.(rng) ?? {},
      schedule: measured ? initScheduleMemory() : {},
    }),
    ...(targets === undefined ? {} : { targets: (context) => targets(own(context)) }),
    loss: (params, seen, context) => inner.loss(params, seen, own(context)),
    update: (memory, metrics, step) => {
      const past = memory as Memory;
      return {
        own: update?.(past.own as M, metrics, step) ?? past.own,
        schedule: measured
          ? updateScheduleMemory(schedule, past.schedule, measuredOf(metrics), step)
          : past.schedule,
      };
    },
  };
}

/** What a schedule goes by; a batch whose gradients were not watched has cosine 1. */
function measuredOf(metrics: Metrics): { distance: tf.Tensor; cosine: tf.Tensor } {
  const [sum, count] = ['sum', 'count'].map((part) => metrics[`gradientCosine.alignment.${part}`]);
  return {
    distance: metrics['alignment.distance'] as tf.Tensor,
    cosine: sum === undefined || count === undefined ? tf.scalar(1) : tf.div(sum, count),
  };
}
