/** Where the packages meet: a configuration becomes a denoiser, an interpolant, an alignment and the numbers of a step. */
import { applyDiT, type DiTConfig, type DiTParams, initDiT, interpolate, SIT } from '@ahpa/dit-core';
import {
  type Alignment,
  philox,
  type TrainConfig as StepConfig,
  type TrainDeps,
  type Tree,
} from '@ahpa/trainer';
import { averagesOf, emaConfig } from './config/averages.ts';
import type { ModelConfig, TrainConfig } from './config/types.ts';

/** What the data say of the model: the latent's size and the number of classes. */
export interface DataShape {
  readonly latentSize: number;
  readonly latentChannels: number;
  readonly classes: number;
}

/** The transformer of a configuration. */
export function modelConfig({ size, encoderDepth }: ModelConfig, shape: DataShape): DiTConfig {
  const preset = typeof size === 'string' ? SIT[size] : size;
  return { ...preset, ...shape, mlpRatio: 4, encoderDepths: [encoderDepth] };
}

/** The parts of a training step. */
export function wire(
  config: TrainConfig,
  model: DiTConfig,
  alignment: Alignment<Tree, Tree>,
): TrainDeps<DiTParams & Tree, Tree, Tree> {
  const network: DiTConfig = { ...model, checkpointBlocks: config.train.checkpointBlocks };
  return {
    denoiser: {
      init: (rng) => initDiT(network, rng) as DiTParams & Tree,
      apply: (params, xt, t, y, tap) => applyDiT(params, xt, t, y, network, tap),
    },
    interpolant: { interpolate: (x0, noise, t) => interpolate(config.interpolant.path, x0, noise, t) },
    alignment,
    rng: philox(config.train.seed),
  };
}

/** The numbers of a training step. */
export function stepConfig(
  { model, interpolant, time, optim, ema }: TrainConfig,
  classes: number,
): StepConfig {
  const { sampling, ...density } = time;
  const { learningRate: base, warmup, betas, epsilon, weightDecay, maxGradNorm } = optim;
  return {
    timesteps: { kind: sampling, path: interpolant.path, ...density },
    labelDropout: model.labelDropout,
    nullClass: classes,
    learningRate: { kind: 'constant', base, warmupSteps: warmup },
    adamw: { beta1: betas[0], beta2: betas[1], epsilon, weightDecay },
    maxGradNorm,
    ema: averagesOf(ema).map(emaConfig),
  };
}
