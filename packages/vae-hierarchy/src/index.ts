/** A VAE of the SD-VAE architecture as encoder, decoder and hierarchy of feature maps. */
export { parseVaeConfig, SD_VAE_F8D4, type VaeConfig, vaeConfigJson } from './config.ts';
export { decode } from './decoder.ts';
export { encode, encodeLevels, type Levels, type Posterior } from './encoder.ts';
export { groupNorm, groupNormSilu } from './group-norm.ts';
export { initVae, type Rng } from './init.ts';
export { samplePosterior, scaleLatent, unscaleLatent } from './latent.ts';
export type {
  AttentionParams,
  ConvParams,
  DecoderParams,
  EncoderParams,
  LevelParams,
  LinearParams,
  MidParams,
  NormParams,
  ResnetParams,
  VaeParams,
} from './params.ts';
export {
  addMoments,
  type ChannelMoments,
  type ChannelStatistics,
  channelStatistics,
  emptyMoments,
  groupTokens,
  standardize,
} from './pyramid.ts';
export { loadVaeParams, type StateTensor, vaeStateDict } from './state-dict.ts';
export { defaultGroups, type VaeTap, vaeTaps } from './taps.ts';
