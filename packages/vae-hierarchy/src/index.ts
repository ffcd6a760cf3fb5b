/** A VAE as encoder, decoder and hierarchy of feature maps. */
export {
  type KlVaeConfig,
  type LatentScaling,
  SD_VAE_F8D4,
  type TinyVaeConfig,
  type VaeConfig,
} from './config.ts';
export { parseVaeConfig, vaeConfigJson } from './config-json.ts';
export { decode } from './decoder.ts';
export { encode, encodeLevels, type Levels, type Posterior } from './encoder.ts';
export { groupNorm, groupNormSilu } from './group-norm.ts';
export { inferVaeConfig, type VaeHints } from './infer.ts';
export { initVae } from './init.ts';
export { innovation, type Prediction } from './innovation.ts';
export { findVaePrefix, isVaeKey, joinHalves } from './keys.ts';
export { samplePosterior, scaleLatent, unscaleLatent } from './latent.ts';
export { normalizeTokens, type TargetNorm } from './normalize.ts';
export type {
  AttentionParams,
  ConvParams,
  DecoderParams,
  EncoderParams,
  KlVaeParams,
  LevelParams,
  MidParams,
  NormParams,
  PlainConvParams,
  ResnetParams,
  TinyBlockParams,
  TinyHalfParams,
  TinyVaeParams,
  VaeParams,
} from './params.ts';
export { fitPca, type Pca, type PcaTensors, projectTokens, type SymmetricEigen } from './pca.ts';
export { groupTokens, type Resize, tokenChannels } from './pyramid.ts';
export { loadVaeParams, type StateTensor, vaeStateDict } from './state-dict.ts';
export {
  addMoments,
  type ChannelMoments,
  type ChannelStatistics,
  channelStatistics,
  emptyMoments,
  standardize,
} from './statistics.ts';
export { defaultGroups, type VaeTap, vaeTaps } from './taps.ts';
