/** Timestep-conditioned weights over feature groups. */
export { type BinMeans, binSums, initBinMeans, lookUp, MEMORY_BINS, updateBinMeans } from './bins.ts';
export { completeRouter, type PartialRouter } from './complete.ts';
export { type Condition, timeFeatures } from './condition.ts';
export type { RouterConfig, RouterParams, Temperature } from './config.ts';
export { type FixedRoute, fixedRoute, oneHotRoute, sigmoidRoute } from './fixed.ts';
export { initRouter } from './init.ts';
export { defineRouter, type RouterKind, routerFactory } from './kind.ts';
export { closedForm, gapTable } from './measured.ts';
export { type RouteInputs, routeLogits, softWeights } from './route.ts';
export * from './routers/index.ts';
export * as routers from './routers/index.ts';
export {
  agreementPenalty,
  lossNormalizer,
  normalizedLosses,
  type PenaltyConfig,
  routerPenalty,
  uncertainty,
} from './rules.ts';
export { loadBalance, type RouteStats, routeStats } from './stats.ts';
export { type RouteTime, routeTime } from './time.ts';
