/** SiT diffusion transformers, interpolants and samplers. */
export { attention, attentionLogits, selfAttention } from './attention.ts';
export { applyBlock, applyFinalLayer, blockModulation } from './block.ts';
export {
  CONVENTIONS,
  type Convention,
  type DiTConfig,
  SIT,
  type SiTName,
  type SiTPreset,
  tokenCount,
} from './config.ts';
export { alignmentShape, sitDenoiser } from './denoiser.ts';
export { applyDiT, type DiTOutput, predictNoise } from './dit.ts';
export { embedCondition, positionEmbedding, positionTable, timestepEmbedding } from './embed.ts';
export type { SampleProgress } from './fixed-steps.ts';
export { forwardFlops, parameterCount } from './flops.ts';
export type { VelocityFn } from './guidance.ts';
export { initDiT } from './init.ts';
export { type Coefficients, coefficients, interpolant, interpolate, logSnr, timeAt } from './interpolant.ts';
export { gatedResidual, gelu, modulatedLayerNorm } from './nn.ts';
export { sampleNoise } from './noise.ts';
export type { BlockParams, DiTParams, FinalLayerParams, NormParams } from './params.ts';
export { type Predictions, predictions, velocityFrom } from './prediction.ts';
export { type SampleTools, sample, sampleSteps } from './sample.ts';
export {
  type GuidanceConfig,
  isDiffusion,
  SAMPLERS,
  type SampleConfig,
  type SolverConfig,
} from './sample-config.ts';
export { sampleTimes, shiftTime } from './time-grid.ts';
