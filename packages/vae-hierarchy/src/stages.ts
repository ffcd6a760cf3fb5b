/** An encoder as a list of named stages, run as far as the deepest feature map that is asked for. */
import * as tf from '@tensorflow/tfjs-core';

/** Diagonal Gaussian of the unscaled latent; both `[B, h, w, latentChannels]`. */
export interface Posterior {
  readonly mean: tf.Tensor4D;
  readonly logVar: tf.Tensor4D;
}

/** Feature maps by tap name. */
export type Levels = Record<string, tf.Tensor4D>;

/** A part of an encoder, by the name of the map it makes. */
export type Stage = readonly [name: string, apply: (x: tf.Tensor4D) => tf.Tensor4D];

/** An encoder: its stages from the image, and the function from the last map to the posterior. */
export interface Encoder {
  readonly stages: readonly Stage[];
  readonly posterior: (features: tf.Tensor4D) => Posterior;
}

/** Runs `stages` on `x`, keeping the maps named in `taps` and freeing the others; returns the last map too. */
export function runStages(
  stages: readonly Stage[],
  x: tf.Tensor4D,
  taps: ReadonlySet<string>,
): [tf.Tensor4D, Levels] {
  const levels: Levels = {};
  let current = x;
  let passing = true; // whether `current` belongs to the caller or to `levels`
  for (const [name, apply] of stages) {
    const next = apply(current);
    if (!passing) tf.dispose(current);
    passing = taps.has(name);
    if (passing) levels[name] = next;
    current = next;
  }
  return [current, levels];
}
