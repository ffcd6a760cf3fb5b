/**
 * AHPA: hidden tokens are projected once for each group of VAE features, and a router of the time weighs the distances.
 * L_align = mean_n sum_g w_g(t_n) l_g(P_g(h_n), F_g,n) + balance KL(mean_n w(t_n) || 1/G)
 */
import { ahpaLoss, applyHead, type HeadConfig, type HeadParams, initHead } from '@ahpa/alignment-losses';
import {
  fixedRoute,
  initRouter,
  loadBalance,
  type RouterConfig,
  type RouterParams,
  route,
} from '@ahpa/dynamic-router';
import type { Alignment, Metrics } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { AhpaConfig } from '../config/types.ts';

/** A group of VAE features: its name and the width of its tokens. */
export interface FeatureGroup {
  readonly name: string;
  readonly width: number;
}

/** The trained part of AHPA; dropped at export. */
export type AhpaParams = {
  readonly projectors: readonly HeadParams[];
  readonly router: RouterParams | Record<string, never>;
};

/** Times at which the router's weights are reported. */
export const ROUTE_TIMES: readonly number[] = Array.from({ length: 21 }, (_, i) => i / 20);

type Weigh = (params: AhpaParams['router'], t: tf.Tensor1D) => tf.Tensor2D;

function router(
  config: AhpaConfig,
  groups: number,
): { config: RouterConfig | undefined; balance: number; weigh: Weigh } {
  const { router } = config;
  if (router.kind === 'fixed') {
    return { config: undefined, balance: 0, weigh: (_, t) => fixedRoute(router.schedule, t, groups) };
  }
  const { kind: _, balance, ...sizes } = router;
  const learned: RouterConfig = { ...sizes, groups };
  return { config: learned, balance, weigh: (params, t) => route(params as RouterParams, t, learned) };
}

/** The alignment of hidden tokens `[B, T, hiddenSize]` with one target `[B, T, width]` for each group. */
export function ahpaAlignment(
  config: AhpaConfig,
  groups: readonly FeatureGroup[],
  hiddenSize: number,
): Alignment<AhpaParams, readonly tf.Tensor3D[]> {
  const heads = groups.map(
    ({ width }): HeadConfig => ({ ...config.head, inFeatures: hiddenSize, out: width }),
  );
  const { config: learned, balance, weigh } = router(config, groups.length);
  return {
    weight: config.weight,
    init: (rng) => ({
      projectors: heads.map((head, g) => initHead(head, rng, `projectors.${g}`)),
      router: learned ? initRouter(learned, rng) : {},
    }),
    loss(params, { branch }, { t, targets }) {
      const weights = weigh(params.router, t);
      const projected = heads.map((head, g) =>
        applyHead(params.projectors[g] as HeadParams, branch(groups[g]?.name as string, 0), head),
      );
      const { loss, perGroup } = ahpaLoss(projected, targets, weights, config.distance);
      const means = tf.unstack(tf.mean(perGroup, 0));
      const metrics: Metrics = {
        ...Object.fromEntries(groups.map(({ name }, g) => [`group.${name}`, means[g] as tf.Tensor])),
        route: weigh(params.router, tf.tensor1d([...ROUTE_TIMES])),
      };
      const total = balance === 0 ? loss : (tf.add(loss, tf.mul(loadBalance(weights), balance)) as tf.Scalar);
      return { loss: total, metrics };
    },
  };
}
