/** Lion (Chen et al. 2023, arXiv 2302.06675) as an `Optimizer`, and a weight schedule of one's own. */
import { flatten, mapTree, tidyTree, unflatten } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';

/** p' = p - lr (sign(b1 m + (1 - b1) g) + decay p);  m' = b2 m + (1 - b2) g. With `applied` 0 both stay as they are. */
export const lion = ({ betas: [beta1, beta2] = [0.9, 0.99], weightDecay = 0 } = {}) => ({
  init: (params) => mapTree(tf.zerosLike, params),
  update: (params, grads, moments, _step, lr, applied) =>
    tidyTree(() => {
      const rate = tf.mul(lr, applied);
      const [g, m] = [flatten(grads), flatten(moments)];
      const towards = (from, to, share) => tf.add(from, tf.mul(tf.sub(to, from), share));
      const moved = flatten(params).map((param, i) => {
        const direction = tf.sign(towards(m[i], g[i], 1 - beta1));
        return tf.sub(param, tf.mul(tf.add(direction, tf.mul(param, weightDecay)), rate));
      });
      const averaged = m.map((moment, i) => towards(moment, g[i], tf.mul(applied, 1 - beta2)));
      return { params: unflatten(params, moved), state: unflatten(moments, averaged) };
    }),
});

/** The full weight up to step `from`, then a straight line to 0 at step `until`. */
export const lineDown = (weight, from, until) => ({
  initState: () => ({}),
  weight: (step) => tf.mul(tf.clipByValue(tf.div(tf.sub(until, step), until - from), 0, 1), weight),
  update: (state) => state,
});
