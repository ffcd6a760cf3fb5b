/** Learning rate as a function of the step, in tensor ops. */
import * as tf from '@tensorflow/tfjs-core';

/** Constant, linear warm-up then constant, or warm-up then half a cosine down to `final` at `totalSteps`. */
export type ScheduleConfig =
  | { readonly kind: 'constant'; readonly base: number }
  | { readonly kind: 'warmup'; readonly base: number; readonly warmupSteps: number }
  | {
      readonly kind: 'cosine';
      readonly base: number;
      readonly warmupSteps: number;
      readonly totalSteps: number;
      readonly final: number;
    };

/** The rate of the step after `step` steps. `step int32 [] -> float32 []`. Step s of a warm-up of W has base (s + 1) / W. */
export function learningRate(config: ScheduleConfig, step: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    if (config.kind === 'constant') return tf.scalar(config.base);
    const done = tf.cast(step, 'float32');
    const ramp = tf.minimum(tf.div(tf.add(done, 1), Math.max(config.warmupSteps, 1)), 1);
    if (config.kind === 'warmup') return tf.mul(ramp, config.base) as tf.Scalar;
    const decaySteps = Math.max(config.totalSteps - config.warmupSteps, 1);
    const progress = tf.clipByValue(tf.div(tf.sub(done, config.warmupSteps), decaySteps), 0, 1);
    const half = tf.mul(tf.add(tf.cos(tf.mul(progress, Math.PI)), 1), 0.5);
    return tf.mul(ramp, tf.add(tf.mul(half, config.base - config.final), config.final)) as tf.Scalar;
  });
}
