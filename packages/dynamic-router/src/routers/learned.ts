/**
 * The learned router: a network of the time, trained by the loss that it weighs or by another rule.
 * penalty = -entropy mean H(w) + balance KL(mean w || 1/G) - mutual (H(mean w) - mean H(w)), and the rule's own.
 */
import { marginals, shares, stopGradient, TIME_BINS } from '@ahpa/ops';
import type { GroupWeights, Observations, Routed, Router, RouterContext, Sums } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { type BinMeans, binSums, initBinMeans, lookUp, updateBinMeans } from '../bins.ts';
import { completeRouter } from '../complete.ts';
import type { RouterConfig, RouterParams } from '../config.ts';
import { initRouter } from '../init.ts';
import { defineRouter } from '../kind.ts';
import { routeLogits, softWeights } from '../route.ts';
import { agreementPenalty, lossNormalizer, routerPenalty, uncertainty } from '../rules.ts';
import { type LearnedOptions, learnedOptions } from './learned-options.ts';

// Of the running means of distances and of gradient cosines.
const DECAY = 0.99;

/** State of the rules; members that a rule does not need are absent. */
type State = {
  readonly distances?: BinMeans;
  readonly cosines?: BinMeans;
  readonly shares?: tf.Tensor1D;
};

type Observed = { readonly distances?: Sums; readonly shares?: Sums };

/** A small network of the time, trained with the rest: AHPA's router. */
export const learned = defineRouter({
  kind: 'learned',
  label: 'A small network of the time, trained with the rest; AHPA.',
  options: learnedOptions,
  traits: ({ train }) => ({
    gates: train !== 'uncertainty',
    needs: train === 'direct' ? 'nothing' : train === 'gradcos' ? 'group gradients' : 'group losses',
  }),
  create: createLearned,
});

/** The network of options. */
function network(options: LearnedOptions, context: RouterContext): RouterConfig {
  const { frequencies, layers, temperature, floor, topK, condition, hiddenSize, per } = options;
  return {
    groups: context.groups.length,
    frequencies,
    layers,
    temperature,
    floor,
    hiddenSize,
    condition: condition === 'log-snr' ? { kind: condition, path: context.path } : { kind: condition },
    form: context.form,
    ...(topK === null ? {} : { topK }),
    ...(per === 'token' ? { tokenWidth: context.hiddenSize } : {}),
  };
}

function createLearned(options: LearnedOptions, context: RouterContext): Router {
  const { train, balanceDecay, per } = options;
  const groups = context.groups.length;
  const config = network(options, context);
  return completeRouter<RouterParams, State, Observed>({
    init: (rng) => initRouter(config, rng),
    initState: () => ({
      ...(train === 'normalized' ? { distances: initBinMeans(groups) } : {}),
      ...(train === 'gradcos' ? { cosines: initBinMeans(groups, TIME_BINS) } : {}),
      ...(balanceDecay > 0 ? { shares: tf.fill([groups], 1 / groups) as tf.Tensor1D } : {}),
    }),
    route(params, { t, step, tokens, state }): Routed {
      const logits = routeLogits(params, t, config, per === 'token' ? { tokens } : {});
      const metrics = { maxLogit: tf.max(tf.abs(logits)) };
      if (train === 'uncertainty') return { ...uncertainty(logits), metrics };
      const weights = softWeights(logits, config, step);
      const past = state.shares && { shares: state.shares, decay: balanceDecay };
      const penalty = routerPenalty(config.form === 'gates' ? shares(weights) : weights, options, past);
      if (train !== 'gradcos') return { weights, penalty, metrics };
      const cosines = lookUp((state.cosines as BinMeans).mean, t);
      const reward = agreementPenalty(weights, cosines);
      const frozen = stopGradient(() => tf.clone(weights) as GroupWeights, [weights]);
      return { weights: frozen, penalty: tf.add(penalty, reward) as tf.Scalar, metrics };
    },
    ...(train === 'normalized' && {
      normalizer: (perGroup, { t, state }) => lossNormalizer(perGroup, t, state.distances as BinMeans, DECAY),
    }),
    observe: (perGroup, t, weights) => ({
      ...(train === 'normalized' && { distances: binSums(perGroup, t) }),
      ...(balanceDecay > 0 && { shares: batchShares(weights) }),
    }),
    update: ({ distances, cosines, shares }, observations) => ({
      ...(distances && {
        distances: updateBinMeans(distances, observations.observed.distances as Sums, DECAY),
      }),
      ...(cosines && { cosines: updateBinMeans(cosines, groupCosines(observations, context), DECAY) }),
      ...(shares && { shares: updateShares(shares, observations.observed.shares as Sums, balanceDecay) }),
    }),
  });
}

/** Sums over the images of a batch of the mean shares of the groups, [G]. */
function batchShares(weights: GroupWeights): Sums {
  const images = weights.shape[0];
  return { sum: tf.mul(marginals(shares(weights)), images), count: tf.scalar(images) };
}

/** Cosines of each group's gradient with the denoising gradient, in the trainer's bins of t: [bins, G]. */
function groupCosines({ cosineByTime }: Observations<Observed>, { groups }: RouterContext): Sums {
  const column = (part: keyof Sums): tf.Tensor =>
    tf.stack(
      groups.map((name) => (cosineByTime[name] as Sums)[part]),
      1,
    );
  return { sum: column('sum'), count: column('count') };
}

function updateShares(shares: tf.Tensor1D, { sum, count }: Sums, decay: number): tf.Tensor1D {
  return tf.add(tf.mul(shares, decay), tf.mul(tf.div(sum, count), 1 - decay));
}
