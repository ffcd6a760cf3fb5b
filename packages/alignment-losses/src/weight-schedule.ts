/** The weight of an alignment over training, from its options. */
import type { WeightSchedule } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import {
  initScheduleState,
  isMeasured,
  type Measured,
  type ScheduleOptions,
  type ScheduleState,
  updateScheduleState,
  weightShare,
} from './schedule.ts';

/** The same weight at every step. */
export const constantWeight = (weight: number): WeightSchedule => ({
  initState: () => ({}),
  weight: () => tf.scalar(weight),
  update: (state) => state,
});

/** weight(step) = weight * share(step), the share by the schedule. */
export function weightSchedule({
  weight,
  schedule,
}: {
  readonly weight: number;
  readonly schedule: ScheduleOptions;
}): WeightSchedule {
  if (schedule.kind === 'constant') return constantWeight(weight);
  const measured = isMeasured(schedule);
  return {
    initState: () => (measured ? initScheduleState() : {}),
    weight: (step, state) =>
      tf.tidy(() => tf.mul(weightShare(schedule, step, state as ScheduleState), weight) as tf.Scalar),
    update(state, { distance, cosine }, step) {
      if (!measured) return state;
      // A batch without measured gradients has cosine 1.
      const seen: Measured = {
        distance,
        cosine: cosine === undefined ? tf.scalar(1) : tf.div(cosine.sum, cosine.count),
      };
      return updateScheduleState(schedule, state as ScheduleState, seen, step);
    },
  };
}
