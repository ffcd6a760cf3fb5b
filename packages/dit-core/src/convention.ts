/** Time and sign conventions of published networks, converted to ours (t = 0 is data, velocity = noise - data). */
import * as tf from '@tensorflow/tfjs-core';
import type { DiTConfig } from './config.ts';

/** The last of DiT's steps, which is t = 1. */
export const DIT_LAST_STEP = 999;

/** The time that the network reads: [B] -> [B]. */
export function networkTime(t: tf.Tensor1D, { convention = 'repa' }: DiTConfig): tf.Tensor1D {
  if (convention === 'sit') return tf.sub(1, t);
  return convention === 'dit' ? tf.mul(t, DIT_LAST_STEP) : t;
}

/** Velocity in our convention, from the output of the network with C or 2 C channels: [B, h, w, C or 2 C] -> [B, h, w, C]. */
export function networkVelocity(output: tf.Tensor4D, config: DiTConfig): tf.Tensor4D {
  const { latentChannels, learnSigma, convention } = config;
  const velocity = learnSigma ? tf.slice(output, [0, 0, 0, 0], [-1, -1, -1, latentChannels]) : output;
  return convention === 'sit' ? tf.neg(velocity) : velocity;
}

/** Channels that the last layer returns. */
export function outputChannels({ latentChannels, learnSigma }: DiTConfig): number {
  return learnSigma ? 2 * latentChannels : latentChannels;
}
