/**
 * The learned router: a network of the time, trained by the loss that it weighs or by another rule.
 * penalty = -entropy mean H(w) + balance KL(mean w || 1/G) - mutual (H(mean w) - mean H(w)), and the rule's own.
 */

import {
  agreementPenalty,
  type BinMeans,
  initBinMeans,
  initRouter,
  lookUp,
  type RouterConfig,
  type RouterParams,
  routeLogits,
  routerPenalty,
  shares,
  softWeights,
  uncertainty,
  updateBinMeans,
  usualLosses,
} from '@ahpa/dynamic-router';
import { stopGradient, TIME_BINS } from '@ahpa/ops';
import type { GroupWeights, Metrics, Path } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { LearnedRouter } from '../../config/types-alignment.ts';
import { distanceMetrics, rememberDistances } from './memory.ts';
import type { Routed, Router } from './router.ts';

// Of the running means of distances and of gradient cosines.
const DECAY = 0.99;

/** What the rules remember; absent what a rule does not need. */
type Memory = {
  readonly distances?: BinMeans;
  readonly cosines?: BinMeans;
  readonly shares?: tf.Tensor1D;
};

/** The sizes of a configuration's network. */
function networkOf(
  config: LearnedRouter,
  groups: number,
  gates: boolean,
  { hiddenSize, path }: { readonly hiddenSize: number; readonly path: Path },
): RouterConfig {
  const { frequencies, layers, temperature, floor, topK, condition } = config;
  return {
    groups,
    frequencies,
    layers,
    temperature,
    floor,
    hiddenSize: config.hiddenSize,
    condition: condition === 'log-snr' ? { kind: condition, path } : { kind: condition },
    form: gates ? 'gates' : 'softmax',
    ...(topK === null ? {} : { topK }),
    ...(config.per === 'token' ? { tokenWidth: hiddenSize } : {}),
  };
}

/** The router of a configuration over the groups `names`. */
export function learnedRouter(
  config: LearnedRouter,
  names: readonly string[],
  gates: boolean,
  model: { readonly hiddenSize: number; readonly path: Path },
): Router<RouterParams, Memory> {
  const { train, balanceDecay, per } = config;
  const groups = names.length;
  const network = networkOf(config, groups, gates, model);
  return {
    init: (rng) => initRouter(network, rng),
    memory: () => ({
      ...(train === 'normalized' ? { distances: initBinMeans(groups) } : {}),
      ...(train === 'gradcos' ? { cosines: initBinMeans(groups, TIME_BINS) } : {}),
      ...(balanceDecay > 0 ? { shares: tf.fill([groups], 1 / groups) as tf.Tensor1D } : {}),
    }),
    route(params, { t, step, tokens, memory }): Routed {
      const logits = routeLogits(params, t, network, per === 'token' ? { tokens } : {});
      const metrics = { maxLogit: tf.max(tf.abs(logits)) };
      if (train === 'uncertainty') return { ...uncertainty(logits), metrics };
      const weights = softWeights(logits, network, step);
      const past = memory.shares && { shares: memory.shares, decay: balanceDecay };
      const penalty = routerPenalty(network.form === 'gates' ? shares(weights) : weights, config, past);
      if (train !== 'gradcos') return { weights, penalty, metrics };
      const cosines = lookUp((memory.cosines as BinMeans).mean, t);
      const reward = agreementPenalty(weights, cosines);
      const frozen = stopGradient(() => tf.clone(weights) as GroupWeights, [weights]);
      return { weights: frozen, penalty: tf.add(penalty, reward), metrics };
    },
    ...(train === 'normalized'
      ? {
          usual: (perGroup, { t, memory }) => usualLosses(perGroup, t, memory.distances as BinMeans, DECAY),
          observe: distanceMetrics,
        }
      : {}),
    update: ({ distances, cosines, shares }, metrics) => ({
      ...(distances && { distances: rememberDistances(distances, metrics, DECAY) }),
      ...(cosines && { cosines: rememberCosines(cosines, metrics, names) }),
      ...(shares && { shares: rememberShares(shares, metrics, balanceDecay) }),
    }),
  };
}

/** From the cosines of each group's gradient with the denoising gradient, in the trainer's bins of t. */
function rememberCosines(means: BinMeans, metrics: Metrics, names: readonly string[]): BinMeans {
  const [sum, count] = ['sum', 'count'].map((part) =>
    tf.stack(
      names.map((name) => metrics[`gradientCosineByTime.${name}.${part}`] as tf.Tensor),
      1,
    ),
  );
  return updateBinMeans(means, sum as tf.Tensor2D, count as tf.Tensor2D, DECAY);
}

function rememberShares(shares: tf.Tensor1D, metrics: Metrics, decay: number): tf.Tensor1D {
  const batch = metrics['alignment.marginals'] as tf.Tensor1D;
  return tf.add(tf.mul(shares, decay), tf.mul(batch, 1 - decay));
}
