/** Training of diffusion transformers: one step as pure data flow, and the loop around it. */
export { ADAMW, type AdamState, type AdamWOptions } from './adamw.ts';
export { clipScale, globalNorm, scaleGradients } from './clip.ts';
export type { TrainDeps } from './deps.ts';
export { type AverageOptions, emaRate, updateEma } from './ema.ts';
export { type LearningRateOptions, learningRate, type RateSchedule } from './learning-rate.ts';
export { type Column, meanRow, type Row, readWindow, type Window } from './metrics.ts';
export { type MuonOptions, orthogonalize } from './muon.ts';
export { matchesPath, type OptimizerOptions, optimizer, type ParamGroup } from './optimizer.ts';
export { batchIndices, epochOrder, indicesFrom } from './order.ts';
export { stdToExponent, WIDEST_SIGMA } from './power-ema.ts';
export { noisedInputs, noiseLatents, type RandomnessOptions } from './randomness.ts';
export { type LoopOptions, type LoopResult, run, type Task } from './run.ts';
export { initState, MAX_SKIPS_IN_A_ROW, type Params, type TrainState } from './state.ts';
export { type StepOptions, trainStep } from './step.ts';
export { sampleTimes, type TimeOptions } from './times.ts';
