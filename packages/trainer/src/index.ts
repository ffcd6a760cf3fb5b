/** Training of diffusion transformers: one step as pure data flow, and the loop around it. */
export {
  ADAMW,
  type AdamWConfig,
  type AdamWScalars,
  adamwLeaf,
  adamwScalars,
  type Moments,
} from './adamw.ts';
export type { Aligned, Alignment, AlignmentContext, Seen } from './alignment.ts';
export { clipScale, globalNorm, scaleGradients } from './clip.ts';
export type { TrainDeps } from './deps.ts';
export type { DrawConfig } from './draw.ts';
export { type EmaConfig, emaLeaf, emaRate, updateEma } from './ema.ts';
export { type Column, meanRow, type Row, readWindow, type Window } from './metrics.ts';
export { type MuonConfig, muonLeaf, orthogonalize } from './muon.ts';
export {
  adamw,
  matchesPath,
  type Optimizer,
  type OptimizerConfig,
  optimizer,
  type ParamGroup,
} from './optimizer.ts';
export { batchIndices, epochOrder } from './order.ts';
export { powerOf, WIDEST_SIGMA } from './power-ema.ts';
export { type RunConfig, type RunResult, run, type Task } from './run.ts';
export { type Decay, learningRate, type ScheduleConfig } from './schedule.ts';
export { initState, MAX_SKIPS_IN_A_ROW, type Params, type TrainState } from './state.ts';
export { type TrainConfig, trainStep } from './step.ts';
export { sampleTimesteps, type TimestepConfig } from './timesteps.ts';
