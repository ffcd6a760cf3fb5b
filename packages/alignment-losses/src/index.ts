/** Losses that align a diffusion transformer's hidden tokens with other features. */

export { ROUTE_TIMES } from './alignments/ahpa-metrics.ts';
export type { AhpaOptions } from './alignments/ahpa-options.ts';
export * from './alignments/index.ts';
export * as alignments from './alignments/index.ts';
export type { HeadOptions, TeacherOptions } from './alignments/options.ts';
export { groups } from './alignments/options.ts';
export { type AlignmentParts, assembleAlignment } from './assemble.ts';
export { affinityLogits, attentionDistance } from './attention.ts';
export { completeAlignment, type PartialAlignment } from './complete.ts';
export { NT_XENT_TEMPERATURE, ntXentTokens } from './contrastive.ts';
export { cosineDistance, cosineTokens, unitTokens } from './cosine.ts';
export { DISTANCES, type Distance, tokenDistance } from './distance.ts';
export { earlierTimes, SRA_INTERVAL } from './earlier-times.ts';
export { type AhpaLoss, ahpaLoss, groupColumn, mixTargets, mutualCosineTokens } from './group-loss.ts';
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
export {
  type AlignmentKind,
  defineAlignment,
  type Limits,
  type Problem,
  type TargetRequest,
} from './kind.ts';
export { channelNorm, SPATIAL_GAMMA, spatialZScore } from './normalize.ts';
export { gram, relationTokens } from './relation.ts';
export { residualWeights } from './residual.ts';
export type { ScheduleOptions } from './schedule.ts';
export { SMOOTH_L1_BETA, smoothL1, smoothL1Tokens } from './smooth-l1.ts';
export { constantWeight, weightSchedule } from './weight-schedule.ts';
