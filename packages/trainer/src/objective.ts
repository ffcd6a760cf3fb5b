/** The training objective of one (micro-)batch and its gradient. */
import { binByTime, flatten, ordered, sumMetrics, tidyTree, unflatten } from '@ahpa/ops';
import type { Metrics, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { AlignmentContext } from './alignment.ts';
import type { TrainDeps } from './deps.ts';
import type { Inputs } from './draw.ts';
import type { Params, TrainState } from './state.ts';
import { ALIGNED, gradientMetrics, newWatch, TOTAL, type Watch } from './watch.ts';

/** A loss with its gradient and the small tensors worth reporting. */
export interface Gradient<P extends Tree> {
  readonly loss: tf.Scalar;
  readonly grads: P;
  readonly metrics: Metrics;
}

/** The part of a state that a loss depends on. */
export type LossState<D extends Tree, A extends Tree> = Pick<
  TrainState<D, A>,
  'params' | 'ema' | 'memory' | 'step'
>;

/**
 * Gradient of share (mean_n L_n + weight L_align) with L_n the mean squared velocity error of item n (REPA's loss.py).
 * `share` is the fraction of the whole batch this part is; it scales everything but metrics that are sums or counts.
 */
export function lossAndGradient<D extends Tree, A extends Tree, T extends Tree>(
  deps: TrainDeps<D, A, T>,
  state: LossState<D, A>,
  inputs: Inputs,
  targets: T,
  share: number,
): Gradient<Params<D, A>> {
  return tidyTree(() => {
    const { params } = state;
    const context = alignmentContext(deps, state, inputs, targets);
    const weight = alignmentWeight(deps, state);
    const watch = newWatch();
    let kept: Metrics = {};
    const objective = (...leaves: tf.Tensor[]): tf.Scalar => {
      const { denoiser, alignment } = unflatten(params, leaves);
      const predicted = deps.denoiser.apply(denoiser, inputs.xt, inputs.t, inputs.y, (x, tap) =>
        watch.watch(x, TOTAL, tap),
      );
      const { hidden, attention } = predicted;
      const velocity = ordered(predicted.velocity, [], () => [...watch.gradients(ALIGNED).values()]);
      const items = tf.mean(tf.square(tf.sub(velocity, inputs.velocity)), [1, 2, 3]) as tf.Tensor1D;
      const denoisingLoss = tf.mean(items);
      const seen = { attention: attention ?? [], ...watchedTokens(watch, hidden, velocity) };
      const aligned = deps.alignment.loss(alignment, seen, context);
      const loss = tf.add(denoisingLoss, tf.mul(aligned.loss, weight)) as tf.Scalar;
      const named = Object.entries(aligned.metrics).map(([name, value]) => [`alignment.${name}`, value]);
      kept = keepCopies({
        loss,
        denoisingLoss,
        alignmentLoss: aligned.loss,
        alignmentWeight: weight,
        ...sumMetrics('denoisingByTime', binByTime(items, inputs.t)),
        ...Object.fromEntries(named),
      });
      return share === 1 ? loss : tf.mul(loss, share);
    };
    const { value, grads } = tf.valueAndGrads(objective)(flatten(params));
    const pulls = gradientMetrics(watch, inputs.t, inputs.t.size / share);
    watch.dispose();
    const metrics = { ...releaseCopies(kept, share), ...pulls };
    return { loss: value as tf.Scalar, grads: unflatten(params, grads), metrics };
  });
}

/**
 * The hidden tokens as the alignment sees them: what comes back through them is its gradient, and each term's is its own. The alignment
 * is computed between the denoiser's way forward, which ends with `velocity`, and its way back: beside them it would hold up one of the
 * chains that a graph computes side by side.
 */
function watchedTokens(
  watch: Watch,
  hidden: readonly tf.Tensor3D[],
  velocity: tf.Tensor4D,
): { hidden: readonly tf.Tensor3D[]; branch: (term: string, tap: number) => tf.Tensor3D } {
  const aligned = hidden.map((x, tap) => watch.watch(ordered(x, [velocity]), ALIGNED, tap));
  return { hidden: aligned, branch: (term, tap) => watch.watch(aligned[tap] as tf.Tensor3D, term, tap) };
}

function alignmentContext<D extends Tree, A extends Tree, T extends Tree>(
  { denoiser, interpolant, alignment }: TrainDeps<D, A, T>,
  { params, ema: [average], memory, step }: LossState<D, A>,
  { t, y, x0, noise, chance }: Inputs,
  targets: T,
): AlignmentContext<T, Tree> {
  const teacher: AlignmentContext<T, Tree>['teacher'] = (time) =>
    denoiser.apply((average ?? params).denoiser, interpolant.interpolate(x0, noise, time).xt, time, y);
  const context = { step, t, y, x0, noise, chance, targets, memory, teacher };
  return alignment.targets === undefined ? context : { ...context, targets: alignment.targets(context) };
}

function alignmentWeight<D extends Tree, A extends Tree, T extends Tree>(
  { alignment: { weight } }: TrainDeps<D, A, T>,
  { step, memory }: LossState<D, A>,
): tf.Scalar {
  return typeof weight === 'number' ? tf.scalar(weight) : weight(step, memory);
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
