/** Learning rate as a function of the step, in tensor operations. */
import * as tf from '@tensorflow/tfjs-core';

/** The rate after the warm-up. */
export type RateSchedule =
  | { readonly kind: 'constant' }
  /**
   * Half a cosine, or a straight line, from the base rate at the end of the warm-up to `final` at step `until`, and `final` from
   * there on.
   */
  | { readonly kind: 'cosine' | 'linear'; readonly until: number; readonly final: number }
  /** base / sqrt(step / from) from step `from` on (Karras et al. 2024, eq. 67). */
  | { readonly kind: 'inverse-sqrt'; readonly from: number };

/** Base rate, steps of its linear warm-up (default 0), and schedule (default constant). */
export interface LearningRateOptions {
  readonly learningRate: number;
  readonly warmup?: number;
  readonly schedule?: RateSchedule;
}

/** The rate of the step after `step` steps. `step int32 [] -> float32 []`. Step s of a warm-up of W has base (s + 1) / W. */
export function learningRate(options: LearningRateOptions, step: tf.Tensor): tf.Scalar {
  const { learningRate: base, warmup = 0, schedule = { kind: 'constant' } } = options;
  return tf.tidy(() => {
    if (schedule.kind === 'constant' && warmup === 0) return tf.scalar(base);
    const done = tf.cast(step, 'float32');
    const ramp = tf.minimum(tf.div(tf.add(done, 1), Math.max(warmup, 1)), 1);
    return tf.mul(ramp, decayed(base, schedule, warmup, done)) as tf.Scalar;
  });
}

/** The rate without its warm-up. `done [] -> []`. */
function decayed(base: number, schedule: RateSchedule, warmup: number, done: tf.Tensor): tf.Tensor {
  if (schedule.kind === 'constant') return tf.scalar(base);
  if (schedule.kind === 'inverse-sqrt') {
    return tf.div(base, tf.sqrt(tf.maximum(tf.div(done, schedule.from), 1)));
  }
  const { kind, until, final } = schedule;
  const progress = tf.clipByValue(tf.div(tf.sub(done, warmup), Math.max(until - warmup, 1)), 0, 1);
  const left =
    kind === 'linear' ? tf.sub(1, progress) : tf.mul(tf.add(tf.cos(tf.mul(progress, Math.PI)), 1), 0.5);
  return tf.add(tf.mul(left, base - final), final);
}
