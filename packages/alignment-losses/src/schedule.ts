/** Weight schedules: constant, decaying, stopped at a step or by a measured value. */
import * as tf from '@tensorflow/tfjs-core';

/** A schedule of a weight. */
export type ScheduleOptions =
  | { readonly kind: 'constant' }
  /** Half a cosine from the full weight at `start` to 0 `steps` later. */
  | { readonly kind: 'cosine'; readonly start: number; readonly steps: number }
  /** A tenth for every `steps` after `start`; SRA. */
  | { readonly kind: 'exponential'; readonly start: number; readonly steps: number }
  /** 0 from step `at` on; HASTE. */
  | { readonly kind: 'step'; readonly at: number }
  /**
   * RARE's release: two averages of the mean distance, and from the first step after `warmup` on which (slow - fast) / slow
   * is below `threshold`, at the latest at `latest`, half a cosine to 0 over `ramp` steps.
   */
  | {
      readonly kind: 'release';
      readonly warmup: number;
      readonly fast: number;
      readonly slow: number;
      readonly threshold: number;
      readonly ramp: number;
      readonly latest: number;
    }
  /** From the first step after `warmup` on which the average of `on` is below `below`, half a cosine to 0 over `ramp` steps. */
  | {
      readonly kind: 'criterion';
      readonly on: 'loss' | 'gradient-cosine';
      readonly warmup: number;
      readonly decay: number;
      readonly below: number;
      readonly ramp: number;
    };

/** The state of a schedule, [] each: two averages, the updates they hold, and the step at which the ramp began (-1: not yet). */
export type ScheduleState = {
  readonly fast: tf.Tensor;
  readonly slow: tf.Tensor;
  readonly updates: tf.Tensor;
  readonly since: tf.Tensor;
};

/** Measured values of a step, [] each: the mean distance, and the mean cosine of the alignment's gradient with the denoising one. */
export type Measured = { readonly distance: tf.Tensor; readonly cosine: tf.Tensor };

/** Whether a schedule follows a measured value, and so has a state. */
export function isMeasured(schedule: ScheduleOptions): boolean {
  return schedule.kind === 'release' || schedule.kind === 'criterion';
}

/** The state before the first step. */
export function initScheduleState(): ScheduleState {
  return { fast: tf.scalar(0), slow: tf.scalar(0), updates: tf.scalar(0), since: tf.scalar(-1) };
}

/** The share of the weight at a step: `step int32 [] -> [] in [0, 1]`. `state` is read by measured schedules only. */
export function weightShare(schedule: ScheduleOptions, step: tf.Tensor, state?: ScheduleState): tf.Scalar {
  return tf.tidy(() => {
    const now = tf.cast(step, 'float32');
    const after = (start: number, steps: number): tf.Tensor => tf.div(tf.sub(now, start), steps);
    switch (schedule.kind) {
      case 'constant':
        return tf.scalar(1);
      case 'cosine':
        return halfCosine(after(schedule.start, schedule.steps));
      case 'exponential':
        return tf.pow(0.1, tf.maximum(after(schedule.start, schedule.steps), 0)) as tf.Scalar;
      case 'step':
        return tf.cast(tf.less(now, schedule.at), 'float32') as tf.Scalar;
      default: {
        const { since } = state as ScheduleState;
        const progress = tf.div(tf.sub(now, since), Math.max(schedule.ramp, 1));
        return tf.where(tf.less(since, 0), tf.scalar(1), ended(progress, schedule.ramp)) as tf.Scalar;
      }
    }
  });
}

const halfCosine = (progress: tf.Tensor): tf.Scalar =>
  tf.div(tf.add(tf.cos(tf.mul(tf.clipByValue(progress, 0, 1), Math.PI)), 1), 2);

/** A ramp of 0 steps ends at once. */
const ended = (progress: tf.Tensor, ramp: number): tf.Scalar =>
  ramp === 0 ? tf.scalar(0) : halfCosine(progress);

/** The state after `step int32 []`; averages start at their first value. */
export function updateScheduleState(
  schedule: ScheduleOptions,
  state: ScheduleState,
  measured: Measured,
  step: tf.Tensor,
): ScheduleState {
  if (schedule.kind !== 'release' && schedule.kind !== 'criterion') return state;
  return tf.tidy(() => {
    const seen =
      schedule.kind === 'criterion' && schedule.on === 'gradient-cosine'
        ? measured.cosine
        : measured.distance;
    const [quick, lazy] =
      schedule.kind === 'release' ? [schedule.fast, schedule.slow] : [schedule.decay, schedule.decay];
    const follow = (average: tf.Tensor, decay: number): tf.Tensor =>
      tf.where(tf.equal(state.updates, 0), seen, tf.add(tf.mul(average, decay), tf.mul(seen, 1 - decay)));
    const [fast, slow] = [follow(state.fast, quick), follow(state.slow, lazy)];
    const done = tf.add(tf.cast(step, 'float32'), 1);
    const flat =
      schedule.kind === 'release'
        ? tf.logicalOr(
            tf.less(tf.divNoNan(tf.sub(slow, fast), slow), schedule.threshold),
            tf.greaterEqual(done, schedule.latest),
          )
        : tf.less(fast, schedule.below);
    const begins = tf.logicalAnd(
      tf.less(state.since, 0),
      tf.logicalAnd(flat, tf.greaterEqual(done, schedule.warmup)),
    );
    const since = tf.where(begins, done, state.since);
    return { fast, slow, updates: tf.add(state.updates, 1), since };
  });
}
