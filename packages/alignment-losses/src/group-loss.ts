/** Losses and targets of groups, weighted by a router. */
import type { GroupWeights } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { unitTokens } from './cosine.ts';
import { residualWeights } from './residual.ts';

/** The loss, and every group's mean distance [B, G] for logs and for routers that use it. */
export type AhpaLoss = { readonly loss: tf.Scalar; readonly perGroup: tf.Tensor2D };

/**
 * Mean over images n of sum_g w_ng l_ng: distances [B, T_g], one per group; weights [B, G] or [B, T, G] ->
 * loss (scalar), perGroup [B, G] (without weights of any kind). Gradients flow into distances and weights.
 * @throws RangeError where the number of distances differs from the number of groups in the weights
 */
export function ahpaLoss(
  distances: readonly tf.Tensor2D[],
  weights: GroupWeights,
  residual: 'none' | 'token' | 'sample' = 'none',
): AhpaLoss {
  const groups = weights.shape.at(-1);
  if (distances.length !== groups) {
    throw new RangeError(
      `ahpaLoss: got ${distances.length} distances, wanted ${groups} as weights [${weights.shape}] has groups; pass one per group.`,
    );
  }
  return tf.tidy(() => {
    const terms = distances.map((distance, g) => {
      const share = groupColumn(weights, g);
      const each = residual === 'none' ? distance : tf.mul(distance, residualWeights(distance, residual));
      return share.rank === 1
        ? tf.mul(share, tf.mean(each, 1))
        : tf.mean(tf.mul(share, assertSameTokens(each as tf.Tensor2D, share as tf.Tensor2D)), 1);
    });
    const perGroup = tf.stack(
      distances.map((distance) => tf.mean(distance, 1)),
      1,
    ) as tf.Tensor2D;
    return { loss: tf.mean(tf.addN(terms)) as tf.Scalar, perGroup };
  });
}

function assertSameTokens(distance: tf.Tensor2D, share: tf.Tensor2D): tf.Tensor2D {
  if (distance.shape[1] === share.shape[1]) return distance;
  throw new RangeError(
    `ahpaLoss: a group has ${distance.shape[1]} tokens, wanted ${share.shape[1]} as the token weights; weigh per sample, or use groups of one grid.`,
  );
}

/** Column g of the last axis: [..., G] -> [...]. A slice, as tfjs has no gradient for the unstacking of one tensor. */
export function groupColumn(values: tf.Tensor, g: number): tf.Tensor {
  const rest = values.shape.slice(0, -1);
  const begin = [...rest.map(() => 0), g];
  return tf.tidy(() => tf.reshape(tf.slice(values, begin, [...rest, 1]), rest));
}

/** z* = sum_g w_g F_g: targets [B, T, d] of one width, weights [B, G] or [B, T, G] -> [B, T, d]. Gradients flow into the weights. */
export function mixTargets(targets: readonly tf.Tensor3D[], weights: GroupWeights): tf.Tensor3D {
  return tf.tidy(() => {
    const share = (g: number): tf.Tensor => tf.reshape(groupColumn(weights, g), [weights.shape[0], -1, 1]);
    return tf.addN(targets.map((target, g) => tf.mul(target, share(g)))) as tf.Tensor3D;
  });
}

/** `cosineTokens` whose gradient also flows into the target: [B, T, D] twice -> [B, T]. */
export function mutualCosineTokens(projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor2D {
  return tf.tidy(
    () => tf.sub(1, tf.sum(tf.mul(unitTokens(projected), unitTokens(target)), -1)) as tf.Tensor2D,
  );
}
