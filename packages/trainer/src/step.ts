/**
 * One optimisation step as pure data flow: state and batch in, new state and metrics out.
 *
 *   x0 = mean + std eps';  (xt, v) = path(x0, eps, t);  L = mean_n |v^(xt, t, y) - v|^2 + weight L_align
 *   g = dL/dparams, clipped to a global norm;  params, m, v = AdamW(g) or Muon(g);  each ema = ema + (1 - decay) (params - ema)
 *
 * A step whose loss or gradient norm is not finite changes nothing but the counters of steps, so the next step draws other noise;
 * after five in a row no step changes anything any more, and the state stays the one at which they began. This costs no pass over the
 * parameters: `scale` becomes 0 in place of the clip factor, the clip multiplication turns into a product that maps NaN to 0, and
 * the rates of the moments, the parameters and the averages are multiplied by `applied` = 0.
 */
import { flatten, orderAfter, tidyTree, unflatten } from '@ahpa/ops';
import type { Batch, Metrics, Observations, StepResult, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { clipScale, globalNorm, scaleGradients } from './clip.ts';
import type { TrainDeps } from './deps.ts';
import { type AverageOptions, emaRate, updateEma } from './ema.ts';
import { type LearningRateOptions, learningRate } from './learning-rate.ts';
import { addGradients, type Gradient, lossAndGradient } from './objective.ts';
import { drawRandomness, noisedInputs, type RandomnessOptions, sliceRandomness } from './randomness.ts';
import { MAX_SKIPS_IN_A_ROW, type Params, type TrainState } from './state.ts';

/** Options of a training step. */
export interface StepOptions extends RandomnessOptions {
  readonly optim: LearningRateOptions & {
    /** Largest global gradient norm, heads included; `null` does not clip. */
    readonly maxGradNorm: number | null;
  };
  /** The averages that are kept, any number; `ema` of the state in this order. */
  readonly ema: readonly AverageOptions[];
}

/**
 * Takes one step. Several micro-batches are accumulated as one batch: the random numbers are those of the concatenated batch, and
 * the gradient is its mean (an alignment that couples the items of a batch couples those of a micro-batch).
 * Metrics: `loss, denoisingLoss, alignmentLoss, gradNorm` (before clipping), `learningRate, applied` (0 when skipped) [],
 * `denoisingByTime.sum/count` [10], and the alignment's under `alignment.`.
 * @throws Error where no gradients are registered
 */
export function trainStep<D extends Tree, A extends Tree, T extends Tree>(
  deps: TrainDeps<D, A, T>,
  state: TrainState<D, A>,
  batch: Batch<T> | readonly Batch<T>[],
  options: StepOptions,
): StepResult<TrainState<D, A>> {
  assertGradients();
  return tidyTree(() => {
    const { step, skipped, skippedInARow, params } = state;
    const { maxGradNorm } = options.optim;
    const parts = [batch].flat() as Batch<T>[];
    const { loss, grads, metrics, observations } = batchGradient(deps, state, parts, options);

    const gradNorm = globalNorm(grads);
    const finite = tf.logicalAnd(
      tf.isFinite(tf.add(gradNorm, loss)),
      tf.less(skippedInARow, MAX_SKIPS_IN_A_ROW),
    );
    const applied = tf.cast(finite, 'float32');
    const dropped = tf.cast(tf.logicalNot(finite), 'int32');
    const scale = maxGradNorm === null ? applied : tf.where(finite, clipScale(gradNorm, maxGradNorm), 0);
    const clipped = scaleGradients(grads, scale);

    const lr = learningRate(options.optim, step);
    const updates = tf.sub(step, skipped);
    const next = deps.optimizer.update(params, clipped, state.moments, updates, lr, applied);
    const ema = state.ema.map((average, i) => {
      const rate = emaRate(options.ema[i] as AverageOptions, updates);
      return updateEma(average, next.params, tf.mul(applied, rate));
    });

    const one = tf.scalar(1, 'int32');
    return {
      state: {
        step: tf.add(step, one) as tf.Scalar,
        skipped: tf.add(skipped, dropped) as tf.Scalar,
        skippedInARow: tf.mul(tf.add(skippedInARow, one), dropped) as tf.Scalar,
        params: next.params,
        ema,
        moments: next.state,
        memory: updateMemory(deps, state, observations, finite),
      },
      metrics: { ...metrics, ...partNorms(grads.alignment), gradNorm, learningRate: lr, applied },
    };
  });
}

/** Loss, gradient and metrics of a batch given in one or more parts, one part after the other. */
function batchGradient<D extends Tree, A extends Tree, T extends Tree>(
  deps: TrainDeps<D, A, T>,
  state: TrainState<D, A>,
  parts: readonly Batch<T>[],
  options: StepOptions,
): Gradient<Params<D, A>> {
  const total = parts.reduce((sum, part) => sum + part.y.size, 0);
  const itemShape = (parts[0] as Batch<T>).latent.mean.shape.slice(1);
  const { rng, interpolant } = deps;
  const random = drawRandomness(rng, interpolant, [total, ...itemShape], state.step, options.time);
  let sum: Gradient<Params<D, A>> | undefined;
  let start = 0;
  for (const part of parts) {
    const size = part.y.size;
    const own = parts.length === 1 ? random : sliceRandomness(random, start, size);
    const inputs = noisedInputs(interpolant, part, own, options);
    const xt = sum === undefined ? inputs.xt : (orderAfter(inputs.xt, lastComputed(sum)) as tf.Tensor4D);
    const gradient = lossAndGradient(deps, state, { ...inputs, xt }, part.targets, size / total);
    sum = sum === undefined ? gradient : addGradients(sum, gradient);
    start += size;
  }
  return sum as Gradient<Params<D, A>>;
}

/** Gradient norms of the alignment's top-level parts that hold parameters, `gradNorm.<part>`. */
function partNorms(grads: Tree): Metrics {
  if (grads instanceof tf.Tensor) return {};
  const parts = Object.entries(grads).filter(([, part]) => flatten(part as Tree).length > 0);
  return Object.fromEntries(parts.map(([name, part]) => [`gradNorm.${name}`, globalNorm(part as Tree)]));
}

/** The states of alignment and schedule after a step; as they were where the step is not finite. */
function updateMemory<D extends Tree, A extends Tree, T extends Tree>(
  { alignment, weight }: TrainDeps<D, A, T>,
  { memory, step }: TrainState<D, A>,
  observations: Observations<Tree>,
  finite: tf.Tensor,
): TrainState<D, A>['memory'] {
  const next = flatten({
    own: alignment.update(memory.own, observations, step),
    schedule: weight.update(memory.schedule, observations, step),
  });
  const kept = flatten(memory).map((leaf, i) => tf.where(finite, next[i] as tf.Tensor, leaf));
  return unflatten(memory, kept);
}

/** The gradient of the first parameter, where backpropagation ends. */
const lastComputed = (gradient: Gradient<Tree>): tf.Tensor => flatten(gradient.grads)[0] as tf.Tensor;

/** Check for registered gradients: tfjs-core alone has none in Node. */
function assertGradients(): void {
  if (tf.getGradient('Sum') === undefined) {
    throw new Error(
      "trainStep: tfjs has no gradient registered for 'Sum'; import '@tensorflow/tfjs' (or a backend that registers gradients) once at start.",
    );
  }
}
