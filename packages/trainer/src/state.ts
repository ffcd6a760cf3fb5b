/** Everything a run carries from step to step, as one plain tree. */
import { mapTree, tidyTree } from '@ahpa/ops';
import type { Rng, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { Moments } from './adamw.ts';
import type { TrainDeps } from './deps.ts';
import type { EmaConfig } from './ema.ts';
import { type OptimizerConfig, optimizer } from './optimizer.ts';

/** The trained trees: the denoiser, and the heads of the alignment. */
export type Params<D extends Tree, A extends Tree> = { readonly denoiser: D; readonly alignment: A };

/** Skipped steps in a row after which a step applies nothing any more: the parameters, not a batch, are broken. */
export const MAX_SKIPS_IN_A_ROW = 5;

/** A run's state; with the deps, the config and the batches it determines everything that follows. */
export type TrainState<D extends Tree, A extends Tree> = {
  /** Steps taken, int32 []; also the counter of every random draw. */
  readonly step: tf.Scalar;
  /** Steps of those whose gradient was not finite and was dropped, int32 []. */
  readonly skipped: tf.Scalar;
  /** Skipped steps in a row up to now, int32 []. */
  readonly skippedInARow: tf.Scalar;
  readonly params: Params<D, A>;
  /** Averages of all parameters, heads included (as REPA), one for each of the configuration. */
  readonly ema: readonly Params<D, A>[];
  readonly moments: Moments<Params<D, A>>;
  /** What the alignment remembers from step to step. */
  readonly memory: Tree;
};

/** The state before the first step: averages equal to the parameters, zero moments. */
export function initState<D extends Tree, A extends Tree, T extends Tree>(
  deps: TrainDeps<D, A, T>,
  rng: Rng,
  config: OptimizerConfig & { readonly ema: readonly EmaConfig[] },
): TrainState<D, A> {
  return tidyTree(() => {
    const params = { denoiser: deps.denoiser.init(rng), alignment: deps.alignment.init(rng) };
    return {
      step: tf.scalar(0, 'int32'),
      skipped: tf.scalar(0, 'int32'),
      skippedInARow: tf.scalar(0, 'int32'),
      params,
      ema: config.ema.map(() => mapTree(tf.clone, params)),
      moments: optimizer(config).init(params),
      memory: deps.alignment.memory?.(rng) ?? {},
    };
  });
}
