/** Classifier-free guidance, and autoguidance by a weaker model. */
import * as tf from '@tensorflow/tfjs-core';
import type { GuidanceConfig } from './sample-config.ts';

/**
 * A velocity model, possibly a compiled graph: x [B, h, w, C], t [B], y int32 [B] -> a new tensor [B, h, w, C]. A network of noise gives
 * [B, h, w, 2 C], as `predictNoise`.
 */
export type VelocityFn = (x: tf.Tensor4D, t: tf.Tensor1D, y: tf.Tensor1D) => tf.Tensor4D;

/**
 * The velocity that a solver integrates, with a time for each sample: x [B, h, w, C] -> a new tensor [B, h, w, C]. Guidance is
 * on where `now` (default `t`) lies in its interval.
 */
export type Model = (x: tf.Tensor4D, t: readonly number[], now?: readonly number[]) => tf.Tensor4D;

/**
 * The guided model of the labels `y` [B]: v + (guidance - 1) (v - u) in the guided channels while the time is in the
 * interval, v elsewhere. u is the velocity of the null class, from the same call with a batch of 2 B (conditional half
 * first), or that of `weak` for the same labels (autoguidance, Karras et al. 2024).
 */
export function guidedModel(
  velocity: VelocityFn,
  y: tf.Tensor1D,
  config: GuidanceConfig & { readonly nullClass: number },
  weak?: VelocityFn,
): Model {
  const { guidance, guidanceInterval, nullClass } = config;
  const [low, high] = guidanceInterval;
  const isGuided = (t: number): boolean => guidance !== 1 && low <= t && t <= high;
  const both = (x: tf.Tensor4D, times: tf.Tensor1D): tf.Tensor4D[] => {
    if (weak) return [velocity(x, times, y), weak(x, times, y)];
    const labels = tf.concat([y, tf.fill(y.shape, nullClass, 'int32') as tf.Tensor1D]);
    return tf.split(velocity(tf.concat([x, x]), tf.concat([times, times]), labels), 2);
  };
  return (x, t, now = t) =>
    tf.tidy(() => {
      const times = tf.tensor1d(t as number[]);
      if (!now.some(isGuided)) return velocity(x, times, y);
      const [conditional, other] = both(x, times) as [tf.Tensor4D, tf.Tensor4D];
      const excess = tf.tensor4d(
        now.map((time) => (isGuided(time) ? guidance - 1 : 0)),
        [now.length, 1, 1, 1],
      );
      const difference = tf.mul(
        tf.sub(conditional, other),
        channelMask(conditional.shape[3], x.shape[3], config),
      );
      return tf.add(conditional, tf.mul(difference, excess));
    });
}

/** 1 for the guided ones of the latent's `channels`, 0 for the rest of a network's: [outputs]. */
function channelMask(
  outputs: number,
  channels: number,
  { guidanceChannels = 'all' }: GuidanceConfig,
): tf.Tensor1D {
  const guided = guidanceChannels === 'all' ? channels : Math.min(guidanceChannels, channels);
  return tf.tensor1d(Array.from({ length: outputs }, (_, channel) => (channel < guided ? 1 : 0)));
}
