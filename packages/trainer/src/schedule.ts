/** Learning rate as a function of the step, in tensor ops. */
import * as tf from '@tensorflow/tfjs-core';

/** What the rate does after the warm-up. */
export type Decay =
  | { readonly kind: 'constant' }
  /** Half a cosine, or a straight line, from `base` at the end of the warm-up to `final` at `totalSteps`, and `final` from there on. */
  | { readonly kind: 'cosine' | 'linear'; readonly totalSteps: number; readonly final: number }
  /** base / sqrt(step / referenceSteps) from `referenceSteps` on (Karras et al. 2024, eq. 67). */
  | { readonly kind: 'inverse-sqrt'; readonly referenceSteps: number };

/** A rate of `base`, reached by a linear warm-up, and what it does then. */
export type ScheduleConfig = Decay & { readonly base: number; readonly warmupSteps?: number };

/** The rate of the step after `step` steps. `step int32 [] -> float32 []`. Step s of a warm-up of W has base (s + 1) / W. */
export function learningRate(config: ScheduleConfig, step: tf.Tensor): tf.Scalar {
  const { kind, base, warmupSteps = 0 } = config;
  return tf.tidy(() => {
    if (kind === 'constant' && warmupSteps === 0) return tf.scalar(base);
    const done = tf.cast(step, 'float32');
    const ramp = tf.minimum(tf.div(tf.add(done, 1), Math.max(warmupSteps, 1)), 1);
    return tf.mul(ramp, decayed(config, warmupSteps, done)) as tf.Scalar;
  });
}

/** The rate without its warm-up. `done [] -> []`. */
function decayed(config: ScheduleConfig, warmupSteps: number, done: tf.Tensor): tf.Tensor {
  if (config.kind === 'constant') return tf.scalar(config.base);
  if (config.kind === 'inverse-sqrt') {
    return tf.div(config.base, tf.sqrt(tf.maximum(tf.div(done, config.referenceSteps), 1)));
  }
  const { kind, base, totalSteps, final } = config;
  const decaySteps = Math.max(totalSteps - warmupSteps, 1);
  const progress = tf.clipByValue(tf.div(tf.sub(done, warmupSteps), decaySteps), 0, 1);
  const left =
    kind === 'linear' ? tf.sub(1, progress) : tf.mul(tf.add(tf.cos(tf.mul(progress, Math.PI)), 1), 0.5);
  return tf.add(tf.mul(left, base - final), final);
}
