/** Which features a network's hidden tokens already give linearly, and which they lack. */
export type { Moments, Split } from './moments.ts';
export {
  type GapMap,
  gapsOf,
  type Level,
  type Measurement,
  RARE_SETTINGS,
  type RecoverabilityMap,
  recoverability,
  type TargetMap,
} from './recoverability.ts';
export { ridge } from './ridge.ts';
export { residualScales } from './targets.ts';
