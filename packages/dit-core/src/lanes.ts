/** A batch in parts that are computed side by side. */
import * as tf from '@tensorflow/tfjs-core';

/** The chains that a batch is computed in: as many as asked for where that divides it, else one. */
export const laneCount = (batch: number, lanes = 1): number => (batch % lanes === 0 ? lanes : 1);

/** x [B, ...] in `count` parts of B / count items each. */
export const splitLanes = <X extends tf.Tensor>(x: X, count: number): X[] =>
  count === 1 ? [x] : (tf.split(x, count) as X[]);

/** The parts as one batch again. */
export const joinLanes = <X extends tf.Tensor>(parts: readonly X[]): X =>
  parts.length === 1 ? (parts[0] as X) : (tf.concat([...parts]) as X);
