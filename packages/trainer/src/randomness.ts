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

/** x0 = mean + std posterior; (xt, velocity) of the path at t; labels below the dropout rate become the null class. */
export function noisedInputs(
  interpolant: Interpolant,
  batch: Pick<Batch<Tree>, 'latent' | 'y'>,
  random: Randomness,
  options: RandomnessOptions,
): Inputs {
  return tidyTree(() => {
    const { mean, std } = batch.latent;
    const x0 = tf.add(mean, tf.mul(std, random.posterior)) as tf.Tensor4D;
    const { xt, velocity } = interpolant.interpolate(x0, random.noise, random.t);
    const dropped = tf.less(random.dropout, options.labelDropout);
    const y = tf.where(dropped, tf.fill([batch.y.size], options.nullClass, 'int32'), batch.y) as tf.Tensor1D;
    return { mean, x0, noise: random.noise, u: random.u, xt, velocity, t: random.t, y };
  });
}
