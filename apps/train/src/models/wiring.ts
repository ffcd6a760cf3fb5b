/** From a configuration to the parts of a training step. */
import { applyDiT, type DiTConfig, type DiTParams, initDiT, interpolant } from '@ahpa/dit-core';
import { LANES, philox } from '@ahpa/ops';
import type { Batch, StepResult, Tree } from '@ahpa/ports';
import { optimizer, type StepOptions, type TrainDeps, type TrainState, trainStep } from '@ahpa/trainer';
import { averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import type { AlignmentParts } from './alignment.ts';

/** The parameters of the denoiser as a tree. */
export type Denoising = DiTParams & Tree;

/** The parts of a run's training step. */
export type RunDeps = TrainDeps<Denoising>;

/** The state of a run. */
export type RunState = TrainState<Denoising>;

/** The parts of a training step of `network` with an alignment. */
export function trainDeps(config: TrainConfig, network: DiTConfig, parts: AlignmentParts): RunDeps {
  const { taps, alignment, weight } = parts;
  const tapped: DiTConfig = {
    ...network,
    lanes: LANES,
    checkpointBlocks: config.train.checkpointBlocks,
    encoderDepths: taps.depths,
    attentionTaps: taps.attention,
  };
  return {
    denoiser: {
      init: (rng) => initDiT(tapped, rng) as Denoising,
      apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, tapped, tap),
    },
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
