/** The training objective of one (micro-)batch and its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import type { Inputs } from './draw.ts';
import type { Metrics, TrainDeps, Tree } from './ports.ts';
import type { Params } from './state.ts';
import { flatten, tidyTree, unflatten } from './tree.ts';

const TIME_BINS = 10;

/** Sums `values [B]` and counts items in ten equal bins of `t [B]`: `{ name.sum, name.count }`, [10] each. */
export function binByTime(name: string, values: tf.Tensor1D, t: tf.Tensor1D): Metrics {
  return tidyTree(() => {
    const bin = tf.clipByValue(tf.floor(tf.mul(t, TIME_BINS)), 0, TIME_BINS - 1);
    const member = tf.cast(tf.oneHot(tf.cast(bin, 'int32'), TIME_BINS), 'float32');
    const sum = tf.sum(tf.mul(tf.reshape(values, [-1, 1]), member), 0);
    return { [`${name}.sum`]: sum, [`${name}.count`]: tf.sum(member, 0) };
  });
}

/** A loss with its gradient and the small tensors worth reporting. */
export interface Gradient<P extends Tree> {
  readonly loss: tf.Scalar;
  readonly grads: P;
  readonly metrics: Metrics;
}

/**
 * Gradient of share (mean_n L_n + weight L_align) with L_n the mean squared velocity error of item n (REPA's loss.py).
 * `share` is the fraction of the whole batch this part is; it scales everything but metrics that are sums or counts.
 */
export function lossAndGradient<D extends Tree, A extends Tree, T extends Tree>(
  deps: TrainDeps<D, A, T>,
  params: Params<D, A>,
  inputs: Inputs,
  targets: T,
  share: number,
): Gradient<Params<D, A>> {
  return tidyTree(() => {
    let kept: Metrics = {};
    const objective = (...leaves: tf.Tensor[]): tf.Scalar => {
      const { denoiser, alignment } = unflatten(params, leaves);
      const { velocity, hidden } = deps.denoiser.apply(denoiser, inputs.xt, inputs.t, inputs.y);
      const items = tf.mean(tf.square(tf.sub(velocity, inputs.velocity)), [1, 2, 3]) as tf.Tensor1D;
      const denoisingLoss = tf.mean(items);
      const aligned = deps.alignment.loss(alignment, hidden, inputs.t, targets);
      const loss = tf.add(denoisingLoss, tf.mul(aligned.loss, deps.alignment.weight)) as tf.Scalar;
      const named = Object.entries(aligned.metrics).map(([name, value]) => [`alignment.${name}`, value]);
      kept = keepCopies({
        loss,
        denoisingLoss,
        alignmentLoss: aligned.loss,
        ...binByTime('denoisingByTime', items, inputs.t),
        ...Object.fromEntries(named),
      });
      return share === 1 ? loss : tf.mul(loss, share);
    };
    const { value, grads } = tf.valueAndGrads(objective)(flatten(params));
    return { loss: value as tf.Scalar, grads: unflatten(params, grads), metrics: releaseCopies(kept, share) };
  });
}

/** Copies that outlive the gradient closure, which disposes everything but its result. */
function keepCopies(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, tf.keep(tf.clone(value))]));
}

/** The kept copies as ordinary tensors of the surrounding scope, means scaled by `share`. */
function releaseCopies(kept: Metrics, share: number): Metrics {
  const release = (name: string, value: tf.Tensor): tf.Tensor =>
    share === 1 || isAdditive(name) ? tf.clone(value) : tf.mul(value, share);
  const released = Object.entries(kept).map(([name, value]) => [name, release(name, value)]);
  tf.dispose(Object.values(kept));
  return Object.fromEntries(released);
}

/** Whether a metric is a sum or count over items; the others are means. */
const isAdditive = (name: string): boolean => name.endsWith('.sum') || name.endsWith('.count');

/** Sum of two parts of a batch's gradient; disposes both. */
export function addGradients<P extends Tree>(a: Gradient<P>, b: Gradient<P>): Gradient<P> {
  const sum = tidyTree(() => {
    const others = flatten(b.grads);
    const grads = flatten(a.grads).map((leaf, i) => tf.add(leaf, others[i] as tf.Tensor));
    const metrics = Object.entries(a.metrics).map(([name, value]) => [
      name,
      tf.add(value, b.metrics[name] as tf.Tensor),
    ]);
    return {
      loss: tf.add(a.loss, b.loss) as tf.Scalar,
      grads: unflatten(a.grads, grads),
      metrics: Object.fromEntries(metrics),
    };
  });
  for (const { loss, grads, metrics } of [a, b]) tf.dispose([loss, flatten(grads), Object.values(metrics)]);
  return sum;
}
