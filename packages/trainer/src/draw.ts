/** The random half of a step: which posterior sample, time, noise and label every item of the batch gets. */
import { mapTree, tidyTree } from '@ahpa/ops';
import type { Batch, Interpolant, Rng, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { sampleTimesteps, type TimestepConfig } from './timesteps.ts';

/** What the random half of a step depends on. */
export interface DrawConfig {
  readonly timesteps: TimestepConfig;
  /** Probability that a label is replaced by `nullClass`. */
  readonly labelDropout: number;
  /** Index of the unconditional class. */
  readonly nullClass: number;
}

/** The random numbers of a whole batch, batch first. */
export type Draws = {
  readonly posterior: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly t: tf.Tensor1D;
  /** Uniform numbers that decide on label dropout. */
  readonly dropout: tf.Tensor1D;
  /** Uniform numbers for the alignment's own use. */
  readonly chance: tf.Tensor1D;
};

/** What the networks see, and what the alignment may. */
export type Inputs = {
  readonly x0: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly chance: tf.Tensor1D;
  readonly xt: tf.Tensor4D;
  readonly velocity: tf.Tensor4D;
  readonly t: tf.Tensor1D;
  readonly y: tf.Tensor1D;
};

/** Draws for `shape = [B, h, w, C]` at `step int32 []`, streams `posterior`, `noise`, `time`, `dropout`, `alignment`. */
export function drawBatch(
  rng: Rng,
  shape: readonly number[],
  step: tf.Tensor,
  timesteps: TimestepConfig,
): Draws {
  const size = shape[0] as number;
  return tidyTree(() => ({
    posterior: rng.normal(shape, 'posterior', step) as tf.Tensor4D,
    noise: rng.normal(shape, 'noise', step) as tf.Tensor4D,
    t: sampleTimesteps(rng, size, step, timesteps),
    dropout: rng.uniform([size], 'dropout', step) as tf.Tensor1D,
    chance: rng.uniform([size], 'alignment', step) as tf.Tensor1D,
  }));
}

/** Items `[start, start + size)` of a batch's draws. */
export function sliceDraws(draws: Draws, start: number, size: number): Draws {
  return tidyTree(() => mapTree((leaf) => tf.slice(leaf, start, size), draws));
}

/** x0 = mean + std posterior; (xt, velocity) of the path at t; labels below the dropout rate become the null class. */
export function noisedInputs(
  interpolant: Interpolant,
  batch: Pick<Batch<Tree>, 'latent' | 'y'>,
  draws: Draws,
  config: DrawConfig,
): Inputs {
  return tidyTree(() => {
    const { mean, std } = batch.latent;
    const x0 = tf.add(mean, tf.mul(std, draws.posterior)) as tf.Tensor4D;
    const { xt, velocity } = interpolant.interpolate(x0, draws.noise, draws.t);
    const dropped = tf.less(draws.dropout, config.labelDropout);
    const y = tf.where(dropped, tf.fill([batch.y.size], config.nullClass, 'int32'), batch.y) as tf.Tensor1D;
    return { x0, noise: draws.noise, chance: draws.chance, xt, velocity, t: draws.t, y };
  });
}
