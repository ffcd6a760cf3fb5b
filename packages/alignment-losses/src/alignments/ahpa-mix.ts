/** Weighted sums over groups: of their losses, or of their features. */
import { stopGradient } from '@ahpa/ops';
import type { GroupWeights } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { cosineDistance } from '../cosine.ts';
import { type AhpaLoss, ahpaLoss, groupColumn, mixTargets, mutualCosineTokens } from '../group-loss.ts';
import { residualWeights } from '../residual.ts';

type Residual = 'none' | 'token' | 'sample';

/**
 * sum_g w_g l_g of distances [B, T_g], each divided by `normalizer(l)` [B, G] where that is given; `perGroup` [B, G] are the plain
 * distances.
 */
export function lossMix(
  distances: readonly tf.Tensor2D[],
  weights: GroupWeights,
  residual: Residual,
  normalizer: (perGroup: tf.Tensor2D) => tf.Tensor2D | undefined,
): AhpaLoss {
  const perGroup = tf.stack(
    distances.map((distance) => tf.mean(distance, 1)),
    1,
  ) as tf.Tensor2D;
  const divisors = normalizer(perGroup);
  if (divisors === undefined) return ahpaLoss(distances, weights, residual);
  const relative = distances.map(
    (distance, g) => tf.div(distance, tf.expandDims(groupColumn(divisors, g), 1)) as tf.Tensor2D,
  );
  return { loss: ahpaLoss(relative, weights, residual).loss, perGroup };
}

/** The cosine distance to sum_g w_g F_g, targets [B, T, d] of one width; `perGroup` [B, G] are the distances to each of them. */
export function targetMix(
  projected: tf.Tensor3D,
  targets: readonly tf.Tensor3D[],
  weights: GroupWeights,
  residual: Residual,
): AhpaLoss {
  const distance = mutualCosineTokens(projected, mixTargets(targets, weights));
  const each = residual === 'none' ? distance : tf.mul(distance, residualWeights(distance, residual));
  const frozen = stopGradient(() => tf.clone(projected), [projected]);
  const perGroup = tf.stack(
    targets.map((target) => cosineDistance(frozen, target)),
    1,
  ) as tf.Tensor2D;
  return { loss: tf.mean(each) as tf.Scalar, perGroup };
}
