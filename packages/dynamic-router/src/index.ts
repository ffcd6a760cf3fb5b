/** Timestep-conditioned weights over feature groups. */
export type { LinearParams, Rng, RouterConfig, RouterParams } from './config.ts';
export { type FixedRoute, fixedRoute } from './fixed.ts';
export { initRouter } from './init.ts';
export { route } from './route.ts';
export { entropy, loadBalance, type RouteStats, routeStats } from './stats.ts';
