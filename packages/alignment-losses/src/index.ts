/** Losses that align a diffusion transformer's hidden tokens with other features. */
export { type AhpaLoss, ahpaLoss, type Distance } from './ahpa.ts';
export { cosineDistance } from './cosine.ts';
export {
  applyHead,
  type ConvHeadParams,
  type HeadConfig,
  type HeadParams,
  initHead,
  type MlpHeadParams,
  type Rng,
} from './head.ts';
export type { LinearParams } from './nn.ts';
export { spatialZScore } from './normalize.ts';
export { repaLoss } from './repa.ts';
export { SMOOTH_L1_BETA, smoothL1 } from './smooth-l1.ts';
export { sra2Loss } from './sra2.ts';
