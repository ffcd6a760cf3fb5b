/**
 * AHPA: hidden tokens are projected once for each group of VAE features, and a router of the time weighs the groups.
 *   w_n = R(t_n)                                    weights of the groups, of the image or of each of its tokens
 *   d_g,n,k = 1 - cos(P_g(h_n)_k, F_g,n,k)          distance of token k, mean over the depths of the group
 *   L = mean_n sum_g w_n,g mean_k r_n,k d_g,n,k + penalty(w)            mix: loss (or gate, with w in (0, 1) each)
 *   L = mean_n mean_k r_n,k (1 - cos(P(h_n)_k, sum_g w_n,g M_g F_g,n,k)) + penalty(w)                  mix: target
 */

import { type HeadsConfig, type HeadsParams, initHeads } from '@ahpa/alignment-losses';
import type { Tree } from '@ahpa/ports';
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { AhpaConfig } from '../config/types-alignment.ts';
import { type AlignmentContext, headKind, tapsOf } from './context.ts';
import { applyHeadsInLanes } from './heads.ts';
import { groupMetrics, routeMetrics } from './metrics.ts';
import { lossMix, targetMix } from './mix.ts';
import { createRouter } from './router/index.ts';
import { scheduled } from './scheduled.ts';
import { applyMaps, commonWidth, initMaps, normalizeTargets } from './target-maps.ts';
import { groupDistances, termsOf } from './terms.ts';

/** The trained part of AHPA; dropped at export. */
export type AhpaParams = { readonly projectors: HeadsParams; readonly router: Tree };

/** Not trained: what the router has measured, and the fixed maps M_g of the target mix. */
type Memory = { readonly router: Tree; readonly maps: readonly tf.Tensor2D[] };

/** The alignment of hidden tokens `[B, T, hiddenSize]` with one target `[B, T, width]` for each group. */
export function ahpaAlignment(
  config: AhpaConfig,
  context: AlignmentContext,
): Alignment<AhpaParams, readonly tf.Tensor3D[]> {
  const { groups, hiddenSize, encoderDepth } = context;
  const { residual } = config;
  const oneTarget = config.mix === 'target';
  const router = createRouter(config, context);
  const terms = termsOf(config, context);
  const main = tapsOf(config, encoderDepth).depths.indexOf(encoderDepth);
  const heads: HeadsConfig = {
    inFeatures: hiddenSize,
    outs: oneTarget ? [commonWidth(groups)] : terms.map(({ out }) => out),
    head: headKind(config.head, hiddenSize),
  };
  const oneInput = oneTarget || config.head.kind === 'shared';
  return scheduled<AhpaParams, readonly tf.Tensor3D[], Memory>(config, {
    init: (rng) => ({ projectors: initHeads(heads, rng, 'projectors'), router: router.init(rng) }),
    memory: (rng) => ({ router: router.memory(), maps: oneTarget ? initMaps(groups, rng) : [] }),
    targets({ targets, memory }) {
      const normal = targets.map((tokens) => normalizeTargets(tokens, config.targetNorm));
      return oneTarget ? applyMaps(normal, memory.maps) : normal;
    },
    loss(params, { hidden, branch }, { t, step, targets, memory }) {
      const view = { t, step, memory: memory.router, tokens: hidden[main] as tf.Tensor3D };
      const { weights, penalty, metrics } = router.route(params.router, view);
      const tokensOf = (i: number): tf.Tensor3D =>
        oneInput ? view.tokens : branch(terms[i]?.name as string, terms[i]?.tap as number);
      const projected = applyHeadsInLanes(params.projectors, tokensOf, heads);
      const { loss, perGroup } = oneTarget
        ? targetMix(projected[0] as tf.Tensor3D, targets, weights, residual)
        : lossMix(
            groupDistances(terms, projected, targets, config.distance),
            weights,
            residual,
            (distances) => router.usual?.(distances, view),
          );
      return {
        loss: penalty === undefined ? loss : tf.add(loss, penalty),
        metrics: {
          distance: tf.mean(perGroup),
          ...groupMetrics(groups, perGroup, t),
          ...routeMetrics(router, params.router, view, weights),
          ...metrics,
          ...router.observe?.(perGroup, t),
        },
      };
    },
    update: ({ router: own, maps }, metrics) => ({ router: router.update?.(own, metrics) ?? own, maps }),
  });
}
