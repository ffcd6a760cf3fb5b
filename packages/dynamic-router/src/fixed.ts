/** Fixed (non-learned) weights, for ablations. */
import { oneHot } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';

/** 'linear-handover' moves the weight linearly from the coarsest group (at t = 1) to the finest (at t = 0). */
export type FixedRoute = 'uniform' | 'coarse' | 'fine' | 'linear-handover';

/**
 * Fixed weights of groups ordered from fine to coarse: t [B] -> [B, G], rows sum to 1.
 * 'linear-handover' gives the coarsest group t, the finest 1 - t and those between nothing.
 */
export function fixedRoute(kind: FixedRoute, t: tf.Tensor1D, groups: number): tf.Tensor2D {
  return tf.tidy(() => {
    const column = tf.reshape(t, [t.size, 1]);
    const only = (group: number): tf.Tensor2D =>
      tf.tensor2d(
        Array.from({ length: groups }, (_, g) => (g === group ? 1 : 0)),
        [1, groups],
      );
    const constant = (row: tf.Tensor2D): tf.Tensor2D => tf.tile(row, [t.size, 1]);
    switch (kind) {
      case 'uniform':
        return tf.fill([t.size, groups], 1 / groups) as tf.Tensor2D;
      case 'coarse':
        return constant(only(groups - 1));
      case 'fine':
        return constant(only(0));
      case 'linear-handover':
        return tf.add(tf.mul(column, only(groups - 1)), tf.mul(tf.sub(1, column), only(0)));
    }
  });
}

/** All weight on one group: t [B] -> [B, G]. */
export function oneHotRoute(group: number, t: tf.Tensor1D, groups: number): tf.Tensor2D {
  return tf.tidy(() => oneHot(tf.fill([t.size], group, 'int32'), groups));
}

/** From the finest group to the coarsest around t = centre: the coarsest has 1 / (1 + e^(-slope (t - centre))), the finest the rest. */
export function sigmoidRoute(slope: number, centre: number, t: tf.Tensor1D, groups: number): tf.Tensor2D {
  return tf.tidy(() =>
    fixedRoute('linear-handover', tf.sigmoid(tf.mul(tf.sub(t, centre), slope)) as tf.Tensor1D, groups),
  );
}
