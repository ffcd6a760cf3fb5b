/** AHPA: one projected copy of the tokens per feature group, each distance weighted by the router at the image's time. */
import * as tf from '@tensorflow/tfjs-core';
import { cosineDistance } from './cosine.ts';
import { smoothL1 } from './smooth-l1.ts';

/** How projected tokens are compared with their target. */
export type Distance = 'cosine' | 'smooth-l1';

/** The loss, and every group's distance [B, G] for logs and for routers that use it. */
export type AhpaLoss = { readonly loss: tf.Scalar; readonly perGroup: tf.Tensor2D };

const DISTANCES: Readonly<Record<Distance, (projected: tf.Tensor3D, target: tf.Tensor3D) => tf.Tensor1D>> = {
  cosine: cosineDistance,
  'smooth-l1': smoothL1,
};

/**
 * Mean over images n of sum_g w_ng l_ng: projected and targets, one [B, T, D_g] per group; weights [B, G] ->
 * loss (scalar), perGroup [B, G]. Gradients flow into projected and weights, not into targets.
 */
export function ahpaLoss(
  projected: readonly tf.Tensor3D[],
  targets: readonly tf.Tensor3D[],
  weights: tf.Tensor2D,
  distance: Distance = 'cosine',
): AhpaLoss {
  const groups = weights.shape[1];
  if (projected.length !== groups || targets.length !== groups) {
    throw new RangeError(
      `ahpaLoss: got ${projected.length} projected and ${targets.length} targets, wanted ${groups} of each as weights [${weights.shape}] has groups; pass one per group.`,
    );
  }
  return tf.tidy(() => {
    const each = projected.map((tokens, g) => DISTANCES[distance](tokens, targets[g] as tf.Tensor3D));
    const perGroup = tf.stack(each, 1) as tf.Tensor2D;
    return { loss: tf.mean(tf.sum(tf.mul(weights, perGroup), 1)) as tf.Scalar, perGroup };
  });
}
