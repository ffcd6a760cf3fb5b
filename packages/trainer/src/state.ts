/** The state of a run, as one plain tree. */
import { mapTree, tidyTree } from '@ahpa/ops';
import type { Rng, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainDeps } from './deps.ts';
import type { AverageOptions } from './ema.ts';

/** The trained trees: the denoiser, and the heads of the alignment. */
export type Params<D extends Tree, A extends Tree> = { readonly denoiser: D; readonly alignment: A };

/** Skipped steps in a row after which a step applies nothing any more: the parameters, not a batch, are broken. */
export const MAX_SKIPS_IN_A_ROW = 5;

/** A run's state; with the deps, the options and the batches it determines everything that follows. */
export type TrainState<D extends Tree, A extends Tree = Tree> = {
  /** Steps taken, int32 []; also the counter of every random number. */
  readonly step: tf.Scalar;
  /** Steps of those whose gradient was not finite and was dropped, int32 []. */
  readonly skipped: tf.Scalar;
  /** Skipped steps in a row up to now, int32 []. */
  readonly skippedInARow: tf.Scalar;
  readonly params: Params<D, A>;
  /** Averages of all parameters, heads included (as REPA), in the order of the options. */
  readonly ema: readonly Params<D, A>[];
  /** The optimizer's state. */
  readonly moments: Tree;
  /** The states of the alignment and of its weight schedule. */
  readonly memory: { readonly own: Tree; readonly schedule: Tree };
};

/** The state before the first step: averages equal to the parameters. */
export function initState<D extends Tree, A extends Tree, B extends Tree>(
  { denoiser, alignment, weight, optimizer }: TrainDeps<D, A, B>,
  rng: Rng,
  averages: readonly AverageOptions[],
): TrainState<D, A> {
  return tidyTree(() => {
    const params = { denoiser: denoiser.init(rng), alignment: alignment.init(rng) };
    return {
      step: tf.scalar(0, 'int32'),
      skipped: tf.scalar(0, 'int32'),
      skippedInARow: tf.scalar(0, 'int32'),
      params,
      ema: averages.map(() => mapTree(tf.clone, params)),
      moments: optimizer.init(params),
      memory: { own: alignment.initState(rng), schedule: weight.initState() },
    };
  });
}
