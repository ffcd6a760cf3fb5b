/** Metrics of groups and router. */

import { binByTime, entropy, marginals, shares, sumMetrics } from '@ahpa/ops';
import type { FeatureGroup, GroupWeights, Metrics, Router, RouterInputs, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

/** Times at which the router's weights are reported. */
export const ROUTE_TIMES: readonly number[] = Array.from({ length: 21 }, (_, i) => i / 20);

/** The mean distance of every group, `group.<name>`, and in ten bins of t, `groupByTime.<name>`; perGroup [B, G]. */
export function groupMetrics(
  groups: readonly FeatureGroup[],
  perGroup: tf.Tensor2D,
  t: tf.Tensor1D,
): Metrics {
  const columns = tf.unstack(perGroup, 1) as tf.Tensor1D[];
  const entries = groups.map(({ name }, g) => ({
    [`group.${name}`]: tf.mean(columns[g] as tf.Tensor1D),
    ...sumMetrics(`groupByTime.${name}`, binByTime(columns[g] as tf.Tensor1D, t)),
  }));
  return Object.assign({}, ...entries);
}

/**
 * The weights `route` [times, G] at `ROUTE_TIMES` (of a router of tokens: at the mean token), and of the batch the mean shares
 * `marginals` [G] and the mean entropy `routerEntropy` in nats.
 */
export function routeMetrics(
  router: Router,
  params: Tree,
  inputs: RouterInputs<Tree>,
  weights: GroupWeights,
): Metrics {
  const times = tf.tensor1d([...ROUTE_TIMES]);
  const width = inputs.tokens.shape[2];
  const token = tf.reshape(tf.mean(inputs.tokens, [0, 1]), [1, 1, width]);
  const tokens = tf.tile(token, [times.size, 1, 1]) as tf.Tensor3D;
  const curve = router.route(params, { ...inputs, t: times, tokens }).weights;
  const even = shares(weights);
  return {
    route: tf.reshape(curve, [times.size, weights.shape.at(-1) as number]),
    marginals: marginals(even),
    routerEntropy: tf.mean(entropy(even)),
  };
}
