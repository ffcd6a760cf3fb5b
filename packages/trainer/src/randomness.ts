/** The random half of a step: posterior sample, time, noise and label dropout of every item. */
import { mapTree, tidyTree } from '@ahpa/ops';
import type { Batch, Interpolant, Rng, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { sampleTimes, type TimeOptions } from './times.ts';

/** Options of the random half of a step. */
export interface RandomnessOptions {
  readonly time: TimeOptions;
  /** Probability that a label is replaced by `nullClass`. */
  readonly labelDropout: number;
  /** Index of the unconditional class. */
  readonly nullClass: number;
}

/** The random numbers of a whole batch, batch first. */
export type Randomness = {
  readonly posterior: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly t: tf.Tensor1D;
  /** Uniform numbers that decide on label dropout. */
  readonly dropout: tf.Tensor1D;
  /** Uniform numbers for the alignment's own use. */
  readonly u: tf.Tensor1D;
};

/** Inputs of the networks and of the alignment. */
export type Inputs = {
  readonly mean: tf.Tensor4D;
  readonly x0: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly u: tf.Tensor1D;
  readonly xt: tf.Tensor4D;
  readonly velocity: tf.Tensor4D;
  readonly t: tf.Tensor1D;
  readonly y: tf.Tensor1D;
};

/** Random numbers for `shape = [B, h, w, C]` at `step int32 []`, streams `posterior`, `noise`, `time`, `dropout`, `alignment`. */
export function drawRandomness(
  rng: Rng,
  interpolant: Interpolant,
  shape: readonly number[],
  step: tf.Tensor,
  time: TimeOptions,
): Randomness {
  const size = shape[0] as number;
  return tidyTree(() => ({
    posterior: rng.normal(shape, 'posterior', step) as tf.Tensor4D,
    noise: rng.normal(shape, 'noise', step) as tf.Tensor4D,
    t: sampleTimes(rng, interpolant, size, step, time),
    dropout: rng.uniform([size], 'dropout', step) as tf.Tensor1D,
    u: rng.uniform([size], 'alignment', step) as tf.Tensor1D,
  }));
}

/** Items `[start, start + size)` of a batch's random numbers. */
export function sliceRandomness(all: Randomness, start: number, size: number): Randomness {
  return tidyTree(() => mapTree((leaf) => tf.slice(leaf, start, size), all));
}

/** Latents `[B, h, w, C]` of a batch at times `[B]`: x0 = mean + std posterior, and (xt, velocity) of the path from x0 to the noise. */
export function noiseLatents(
  interpolant: Pick<Interpolant, 'interpolate'>,
  { mean, std }: Batch<Tree>['latent'],
  { posterior, noise, t }: Pick<Randomness, 'posterior' | 'noise' | 't'>,
): Pick<Inputs, 'x0' | 'xt' | 'velocity'> {
  return tidyTree(() => {
    const x0 = tf.add(mean, tf.mul(std, posterior)) as tf.Tensor4D;
    return { x0, ...interpolant.interpolate(x0, noise, t) };
  });
}

/** The noised latents of a batch with their random numbers; labels below the dropout rate become the null class. */
export function noisedInputs(
  interpolant: Interpolant,
  { latent, y }: Pick<Batch<Tree>, 'latent' | 'y'>,
  random: Randomness,
  options: RandomnessOptions,
): Inputs {
  return tidyTree(() => {
    const { x0, xt, velocity } = noiseLatents(interpolant, latent, random);
    const dropped = tf.less(random.dropout, options.labelDropout);
    const labels = tf.where(dropped, tf.fill([y.size], options.nullClass, 'int32'), y) as tf.Tensor1D;
    const { noise, u, t } = random;
    return { mean: latent.mean, x0, noise, u, xt, velocity, t, y: labels };
  });
}
