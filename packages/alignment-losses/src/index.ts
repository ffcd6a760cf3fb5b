/** Losses that align a diffusion transformer's hidden tokens with other features. */
export {
  type AhpaLoss,
  ahpaLoss,
  type GroupWeights,
  groupColumn,
  mixTargets,
  mutualCosineTokens,
} from './ahpa.ts';
export { affinityLogits, attentionDistance } from './attention.ts';
export { NT_XENT_TEMPERATURE, ntXentTokens } from './contrastive.ts';
export { cosineDistance, cosineTokens, unitTokens } from './cosine.ts';
export { DISTANCES, type Distance, tokenDistance } from './distance.ts';
export {
  applyHead,
  type ConvHeadParams,
  type HeadConfig,
  type HeadKind,
  type HeadParams,
  initHead,
  type MlpHeadParams,
  unfoldTokens,
} from './head.ts';
export { applyHeads, type HeadsConfig, type HeadsKind, type HeadsParams, initHeads } from './heads.ts';
export { channelNorm, SPATIAL_GAMMA, spatialZScore } from './normalize.ts';
export { gram, relationTokens } from './relation.ts';
export { irepaLoss, repaLoss } from './repa.ts';
export { residualWeights } from './residual.ts';
export {
  initScheduleMemory,
  type Measured,
  measures,
  type ScheduleMemory,
  updateScheduleMemory,
  type WeightSchedule,
  weightShare,
} from './schedule.ts';
export { SMOOTH_L1_BETA, smoothL1, smoothL1Tokens } from './smooth-l1.ts';
export { earlierTimes, SRA_INTERVAL, sra2Loss } from './sra.ts';
