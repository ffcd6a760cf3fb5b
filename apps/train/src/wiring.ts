/** Where the packages meet: a configuration becomes a denoiser, an interpolant, an alignment and the numbers of a step. */

import { applyDiT, type DiTConfig, type DiTParams, initDiT, interpolant, SIT } from '@ahpa/dit-core';
import { LANES, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import type {
  Alignment,
  ScheduleConfig,
  TrainConfig as StepConfig,
  TrainDeps,
  TrainState,
} from '@ahpa/trainer';
import { averagesOf, emaConfig } from './config/averages.ts';
import type { ModelConfig, OptimConfig, TrainConfig } from './config/types.ts';
import { tapsOf } from './variants/context.ts';

/** What the data say of the model: the latent's size and the number of classes. */
export interface DataShape {
  readonly latentSize: number;
  readonly latentChannels: number;
  readonly classes: number;
}

/** The transformer of a configuration. */
export function modelConfig({ size, encoderDepth, qkNorm }: ModelConfig, shape: DataShape): DiTConfig {
  const preset = typeof size === 'string' ? SIT[size] : size;
  return { ...preset, ...shape, mlpRatio: 4, encoderDepths: [encoderDepth], ...(qkNorm && { qkNorm }) };
}

/** The parts of a training step. */
export function wire(
  config: TrainConfig,
  model: DiTConfig,
  alignment: Alignment<Tree, Tree>,
): TrainDeps<DiTParams & Tree, Tree, Tree> {
  const { depths, attention } = tapsOf(config.alignment, config.model.encoderDepth);
  const network: DiTConfig = {
    ...model,
    lanes: LANES,
    checkpointBlocks: config.train.checkpointBlocks,
    encoderDepths: depths,
    attentionTaps: attention,
  };
  return {
    denoiser: {
      init: (rng) => initDiT(network, rng) as DiTParams & Tree,
      apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, network, tap),
    },
    interpolant: interpolant(config.interpolant.path),
    alignment,
    rng: philox(config.train.seed),
  };
}

/** Everything that a run carries from step to step. */
export type RunState = TrainState<DiTParams & Tree, Tree>;

/** The learning rate over the steps. */
function scheduleConfig({ learningRate: base, warmup: warmupSteps, schedule }: OptimConfig): ScheduleConfig {
  const common = { base, warmupSteps };
  if (schedule.kind === 'constant') return { ...schedule, ...common };
  if (schedule.kind === 'inverse-sqrt') {
    return { kind: schedule.kind, referenceSteps: schedule.from, ...common };
  }
  return { kind: schedule.kind, totalSteps: schedule.until, final: schedule.final, ...common };
}

/** The numbers of a training step. */
export function stepConfig(
  { model, interpolant, time, optim, ema }: TrainConfig,
  classes: number,
): StepConfig {
  const { sampling, ...density } = time;
  const { betas, epsilon, weightDecay, maxGradNorm, muon, groups } = optim;
  return {
    timesteps: { kind: sampling, path: interpolant.path, ...density },
    labelDropout: model.labelDropout,
    nullClass: classes,
    learningRate: scheduleConfig(optim),
    adamw: { beta1: betas[0], beta2: betas[1], epsilon, weightDecay },
    ...(muon === null ? {} : { muon }),
    groups: groups.map(({ weightDecay: own, ...group }) => ({ ...group, weightDecay: own ?? weightDecay })),
    maxGradNorm,
    ema: averagesOf(ema).map(emaConfig),
  };
}
