/** Memories of routers: running means in bins of t, out of the metrics of a step. */

import { type BinMeans, binSums, updateBinMeans } from '@ahpa/dynamic-router';
import type { Metrics } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';

const NAME = 'memory.distances';

/** The metrics that `rememberDistances` reads: sums and counts of distances [B, G] in bins of t. */
export function distanceMetrics(perGroup: tf.Tensor2D, t: tf.Tensor1D): Metrics {
  const { sum, count } = binSums(perGroup, t);
  return { [`${NAME}.sum`]: sum, [`${NAME}.count`]: count };
}

/** Running means of the groups' distances after a step. */
export function rememberDistances(means: BinMeans, metrics: Metrics, decay: number): BinMeans {
  const [sum, count] = ['sum', 'count'].map((part) => metrics[`alignment.${NAME}.${part}`]);
  return updateBinMeans(means, sum as tf.Tensor2D, count as tf.Tensor2D, decay);
}
