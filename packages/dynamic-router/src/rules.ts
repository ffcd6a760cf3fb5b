/**
 * Training rules of a router. Trained by its weighted loss alone ('direct') it moves to the group that is easiest to predict; the
 * other rules change this signal.
 *   penalty = -entropy mean H(w) + balance KL(mean w || 1/G) - mutual (H(mean w) - mean H(w))
 *   normalized: l_g / running mean of l_g in the bin of t     uncertainty: sum_g e^-s_g l_g + s_g
 *   gradcos: -mean sum_g w_g c_g with the running cosine c_g of group g's gradient with the denoising gradient
 */
import { entropy, marginals, stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { type BinMeans, binSums, lookUp, updateBinMeans } from './bins.ts';
import { loadBalance } from './stats.ts';

// Divides losses of zero.
const LEAST_LOSS = 1e-6;

/** Weights of the terms; 0 leaves one out. */
export type PenaltyConfig = {
  readonly entropy: number;
  readonly balance: number;
  readonly mutualInformation: number;
};

/**
 * Penalty terms of a router: weights [..., G] -> scalar. `memory` [G] are the shares of earlier batches, which make up `decay` of
 * the shares in the balance term; its gradient is that of this batch.
 */
export function routerPenalty(
  weights: tf.Tensor,
  config: PenaltyConfig,
  past?: { readonly shares: tf.Tensor1D; readonly decay: number },
): tf.Scalar {
  return tf.tidy(() => {
    const share = marginals(weights);
    const balance = loadBalance(weights, past === undefined ? share : rememberedShare(share, past));
    const spread = tf.mean(entropy(weights));
    const mutual = tf.sub(entropy(share), spread);
    return tf.addN([
      tf.mul(spread, -config.entropy),
      tf.mul(balance, config.balance),
      tf.mul(mutual, -config.mutualInformation),
    ]) as tf.Scalar;
  });
}

/** decay past + (1 - decay) share in value, share in gradient. */
function rememberedShare(
  share: tf.Tensor1D,
  { shares, decay }: { readonly shares: tf.Tensor1D; readonly decay: number },
): tf.Tensor1D {
  const shift = stopGradient(() => tf.mul(tf.sub(shares, share), decay), [share]);
  return tf.add(share, shift);
}

/** Running mean of each loss in its bin of t, this batch included: losses [B, G], t [B] -> [B, G], constants. */
export function lossNormalizer(
  losses: tf.Tensor2D,
  t: tf.Tensor1D,
  means: BinMeans,
  decay: number,
): tf.Tensor2D {
  return tf.tidy(() => {
    const expected = stopGradient(() => {
      const sums = binSums(losses, t, means.mean.shape[0]);
      return lookUp(updateBinMeans(means, sums, decay).mean, t);
    }, [losses]);
    return tf.maximum(expected, LEAST_LOSS);
  });
}

/** Losses over their running mean in the bin of t: losses [B, G], t [B] -> [B, G]. */
export function normalizedLosses(
  losses: tf.Tensor2D,
  t: tf.Tensor1D,
  means: BinMeans,
  decay: number,
): tf.Tensor2D {
  return tf.tidy(() => tf.div(losses, lossNormalizer(losses, t, means, decay)));
}

// e^8 is weight enough; beyond it a loss of zero would drive s to infinity.
const MAX_LOG_VARIANCE = 8;

/** Kendall's weights e^-s and penalty sum_g s_g of log-variances s [..., G]: weights [..., G] (not of sum 1), penalty scalar. */
export function uncertainty<T extends tf.Tensor>(
  logVariances: T,
): { readonly weights: T; readonly penalty: tf.Scalar } {
  return tf.tidy(() => {
    const s = tf.clipByValue(logVariances, -MAX_LOG_VARIANCE, MAX_LOG_VARIANCE);
    return { weights: tf.exp(tf.neg(s)) as T, penalty: tf.mean(tf.sum(s, -1)) as tf.Scalar };
  });
}

/** -mean sum_g w_g c_g, the reward of groups whose gradient agrees with the denoising loss: weights, cosines [B, G] -> scalar. */
export function agreementPenalty(weights: tf.Tensor, cosines: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const rewards = weights.rank === 3 ? tf.expandDims(cosines, 1) : cosines;
    return tf.neg(tf.mean(tf.sum(tf.mul(weights, rewards), -1))) as tf.Scalar;
  });
}
