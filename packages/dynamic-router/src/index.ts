/** Timestep-conditioned weights over feature groups. */
export {
  type BinMeans,
  binSums,
  initBinMeans,
  lookUp,
  MEMORY_BINS,
  updateBinMeans,
} from './bins.ts';
export { type Condition, timeFeatures } from './condition.ts';
export type { RouterConfig, RouterParams, Temperature } from './config.ts';
export { type FixedRoute, fixedRoute, oneHotRoute, sigmoidRoute } from './fixed.ts';
export { initRouter } from './init.ts';
export { closedForm, gapTable } from './measured.ts';
export { type RouteInputs, route, routeLogits, softWeights } from './route.ts';
export {
  agreementPenalty,
  normalizedLosses,
  type PenaltyConfig,
  routerPenalty,
  uncertainty,
  usualLosses,
} from './rules.ts';
export { entropy, loadBalance, marginals, type RouteStats, routeStats, shares } from './stats.ts';
export { type RouteTime, routeTime } from './time.ts';
