/** The training objective of one (micro-)batch and its gradient. */
import {
  binByTime,
  disposeTree,
  flatten,
  mapTree,
  ordered,
  sumMetrics,
  tidyTree,
  unflatten,
} from '@ahpa/ops';
import type { Activations, AlignmentInputs, Metrics, Observations, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainDeps } from './deps.ts';
import type { Inputs } from './randomness.ts';
import type { Params, TrainState } from './state.ts';
import { ALIGNED, gradientMetrics, gradientSums, newWatch, TOTAL, type Watch } from './watch.ts';

/** A loss with its gradient, metrics, and observations for the state updates. */
export type Gradient<P extends Tree> = {
  readonly loss: tf.Scalar;
  readonly grads: P;
  readonly metrics: Metrics;
  readonly observations: Observations<Tree>;
};

/** The part of a state that a loss depends on. */
export type LossState<D extends Tree, A extends Tree> = Pick<
  TrainState<D, A>,
  'params' | 'ema' | 'memory' | 'step'
>;

/** Values that leave the gradient closure beside the loss. */
type Kept = { readonly metrics: Metrics; readonly distance: tf.Tensor; readonly observed: Tree };

/**
 * Gradient of share (mean_n L_n + weight L_align) with L_n the mean squared velocity error of item n (REPA's loss.py).
 * `share` is the fraction of the whole batch this part is; it scales everything but metrics that are sums or counts.
 */
export function lossAndGradient<D extends Tree, A extends Tree, B extends Tree>(
  deps: TrainDeps<D, A, B>,
  state: LossState<D, A>,
  inputs: Inputs,
  targets: B,
  share: number,
): Gradient<Params<D, A>> {
  return tidyTree(() => {
    const { params, step, memory } = state;
    const context = alignmentInputs(deps, state, inputs, targets);
    const weight = deps.weight.weight(step, memory.schedule);
    const watch = newWatch();
    let kept: Kept | undefined;
    const objective = (...leaves: tf.Tensor[]): tf.Scalar => {
      const { denoiser, alignment } = unflatten(params, leaves);
      const predicted = deps.denoiser.apply(denoiser, inputs.xt, inputs.t, inputs.y, (x, tap) =>
        watch.watch(x, TOTAL, tap),
      );
      const { hidden, attention = [] } = predicted;
      const velocity = ordered(predicted.velocity, [], () => [...watch.gradients(ALIGNED).values()]);
      const items = tf.mean(tf.square(tf.sub(velocity, inputs.velocity)), [1, 2, 3]) as tf.Tensor1D;
      const denoisingLoss = tf.mean(items);
      const activations = { attention, ...watchedTokens(watch, hidden, velocity) };
      const aligned = deps.alignment.loss(alignment, activations, context);
      const loss = tf.add(denoisingLoss, tf.mul(aligned.loss, weight)) as tf.Scalar;
      const own = Object.entries(aligned.metrics).map(([name, value]) => [`alignment.${name}`, value]);
      const metrics = {
        loss,
        denoisingLoss,
        alignmentLoss: aligned.loss,
        alignmentWeight: weight,
        ...sumMetrics('denoisingByTime', binByTime(items, inputs.t)),
        'alignment.distance': aligned.distance,
        ...Object.fromEntries(own),
      };
      kept = keepCopies({ metrics, distance: aligned.distance, observed: aligned.observed });
      return share === 1 ? loss : tf.mul(loss, share);
    };
    const { value, grads } = tf.valueAndGrads(objective)(flatten(params));
    const pulls = gradientSums(watch, inputs.t, inputs.t.size / share);
    watch.dispose();
    const { metrics, distance, observed } = releaseCopies(kept as Kept, share);
    return {
      loss: value as tf.Scalar,
      grads: unflatten(params, grads),
      metrics: { ...metrics, ...gradientMetrics(pulls) },
      observations: {
        observed,
        distance,
        cosineByTime: pulls.cosineByTime,
        ...(pulls.cosine[ALIGNED] && { cosine: pulls.cosine[ALIGNED] }),
      },
    };
  });
}

/**
 * The hidden tokens with backward hooks for the alignment's gradient and for each term's. The alignment is computed between the
 * denoiser's way forward, which ends with `velocity`, and its way back: beside them it would hold up one of the chains that a graph
 * computes side by side.
 */
function watchedTokens(
  watch: Watch,
  hidden: readonly tf.Tensor3D[],
  velocity: tf.Tensor4D,
): Pick<Activations, 'hidden' | 'branch'> {
  const aligned = hidden.map((x, tap) => watch.watch(ordered(x, [velocity]), ALIGNED, tap));
  return { hidden: aligned, branch: (term, tap) => watch.watch(aligned[tap] as tf.Tensor3D, term, tap) };
}

function alignmentInputs<D extends Tree, A extends Tree, B extends Tree>(
  { denoiser, interpolant, alignment }: TrainDeps<D, A, B>,
  { params, ema: [average], memory, step }: LossState<D, A>,
  { t, y, mean, x0, noise, u }: Inputs,
  targets: B,
): AlignmentInputs<B, Tree> {
  const teacher: AlignmentInputs<B, Tree>['teacher'] = (time) =>
    denoiser.apply((average ?? params).denoiser, interpolant.interpolate(x0, noise, time).xt, time, y);
  const inputs = { step, t, y, mean, x0, noise, u, targets, state: memory.own, teacher };
  return { ...inputs, targets: alignment.targets(inputs) };
}

/** Copies that outlive the gradient closure, which disposes everything but its result. */
const keepCopies = (kept: Kept): Kept => mapTree((leaf) => tf.keep(tf.clone(leaf)), kept);

/** The kept copies as ordinary tensors of the surrounding scope, means scaled by `share`. */
function releaseCopies(kept: Kept, share: number): Kept {
  const mean = (value: tf.Tensor): tf.Tensor => (share === 1 ? tf.clone(value) : tf.mul(value, share));
  const metrics = Object.entries(kept.metrics).map(([name, value]) => [
    name,
    isAdditive(name) ? tf.clone(value) : mean(value),
  ]);
  const released = {
    metrics: Object.fromEntries(metrics),
    distance: mean(kept.distance),
    observed: mapTree(tf.clone, kept.observed),
  };
  disposeTree(kept);
  return released;
}

/** Whether a metric is a sum or count over items; the others are means. */
const isAdditive = (name: string): boolean => name.endsWith('.sum') || name.endsWith('.count');

/** Sum of two parts of a batch's gradient; disposes both. */
export function addGradients<P extends Tree>(a: Gradient<P>, b: Gradient<P>): Gradient<P> {
  const sum = tidyTree(() => {
    const others = flatten(b);
    return unflatten(
      a,
      flatten(a).map((leaf, i) => tf.add(leaf, others[i] as tf.Tensor)),
    );
  });
  disposeTree(a);
  disposeTree(b);
  return sum;
}
