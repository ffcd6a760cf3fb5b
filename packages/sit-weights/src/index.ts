/** Published SiT, DiT and REPA checkpoints: their names, shapes and conventions, translated without loss. */
export { changeConvention } from './conventions.ts';
export { DIFFUSERS_CLASS, diffusersConfig, parseDiffusersConfig } from './diffusers.ts';
export { describeForeign } from './foreign.ts';
export type { Known } from './infer.ts';
export { findPrefix, isHead, plainNames, showsRepa } from './names.ts';
export { type Convention, type Network, POSITIONS, trunkShapes } from './network.ts';
export { type Moments, nameMoments } from './optimizer.ts';
export {
  assertFinite,
  assertFits,
  describeMisfits,
  type Misfits,
  type Reading,
  readState,
  type SitState,
  writeState,
} from './state.ts';
export { firstNonFinite, type StateDict, type StateTensor, sameTensor } from './tensor.ts';
