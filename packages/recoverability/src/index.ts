/** Linear recoverability of features from a network's hidden tokens. */
export type { Moments, Split } from './moments.ts';
export {
  computeGaps,
  type GapMap,
  type Level,
  type Measurement,
  RARE_SETTINGS,
  type RecoverabilityMap,
  recoverability,
  type TargetMap,
} from './recoverability.ts';
export { ridge } from './ridge.ts';
export { residualScales } from './targets.ts';
