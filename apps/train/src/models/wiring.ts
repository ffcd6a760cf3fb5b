/** From a configuration to the parts of a training step. */

import type { AlignmentParts } from '@ahpa/alignment-losses';
import { type DiTConfig, type DiTParams, interpolant, sitDenoiser } from '@ahpa/dit-core';
import { philox } from '@ahpa/ops';
import type { Batch, StepResult, Tree } from '@ahpa/ports';
import { optimizer, type StepOptions, type TrainDeps, type TrainState, trainStep } from '@ahpa/trainer';
import { averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';

/** The parts of a run's training step. */
export type RunDeps = TrainDeps<DiTParams>;

/** The state of a run. */
export type RunState = TrainState<DiTParams>;

/** The parts of a training step of `network` with an alignment. */
export function trainDeps(config: TrainConfig, network: DiTConfig, parts: AlignmentParts): RunDeps {
  const { taps, alignment, weight } = parts;
  const { checkpointBlocks } = config.train;
  return {
    denoiser: sitDenoiser({ ...network, checkpointBlocks }, taps),
    interpolant: interpolant(config.interpolant.path),
    alignment,
    weight,
    optimizer: optimizer(config.optim),
    rng: philox(config.train.seed),
  };
}

/** The options of a training step on data of so many classes. */
export const stepOptions = ({ time, optim, ema, model }: TrainConfig, classes: number): StepOptions => ({
  time,
  optim,
  ema: averages(ema),
  labelDropout: model.labelDropout,
  nullClass: classes,
});

/** The training step of a run as a function of its state and of a batch in parts. */
export const trainingStep =
  (deps: RunDeps, options: StepOptions) =>
  (state: RunState, batch: readonly Batch<Tree>[]): StepResult<RunState> =>
    trainStep(deps, state, batch, options);
