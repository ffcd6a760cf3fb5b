/** A linear denoiser with one head, small enough for the plain CPU backend. */
import { oneHot, philox } from '@ahpa/ops';
import type { Alignment, Batch, Denoiser, Interpolant, WeightSchedule } from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { initState, optimizer, type StepOptions, type TrainDeps, type TrainState } from '../src/index.ts';

export const CLASSES = 3;
const C = 4;

export type ToyParams = { readonly weight: tf.Tensor; readonly time: tf.Tensor; readonly table: tf.Tensor };
export type ToyHead = { readonly head: tf.Tensor };
export type ToyBatch = Batch<tf.Tensor3D>;
export type ToyState = TrainState<ToyParams, ToyHead>;

const denoiser: Denoiser<ToyParams> = {
  init: (rng) => ({
    weight: rng.normal([C, C], 'init/weight'),
    time: rng.normal([C], 'init/time'),
    table: rng.normal([CLASSES + 1, C], 'init/table'),
  }),
  apply(params, xt, t, y, tap) {
    const [b, h, w] = xt.shape;
    const mixed = tf.matMul(tf.reshape(xt, [b * h * w, C]), params.weight as tf.Tensor2D);
    const condition = tf.add(
      tf.mul(tf.reshape(t, [b, 1]), params.time),
      tf.matMul(oneHot(y, CLASSES + 1), params.table as tf.Tensor2D),
    );
    const velocity = tf.add(
      tf.reshape(mixed, [b, h, w, C]),
      tf.reshape(condition, [b, 1, 1, C]),
    ) as tf.Tensor4D;
    const hidden = tf.reshape(velocity, [b, h * w, C]) as tf.Tensor3D;
    const tapped = tap?.(hidden, 0) ?? hidden;
    return { velocity: tf.reshape(tapped, [b, h, w, C]) as tf.Tensor4D, hidden: [tapped] };
  },
};

const alignment: Alignment<ToyHead, tf.Tensor3D> = {
  init: (rng) => ({ head: rng.normal([C], 'init/head') }),
  initState: () => ({}),
  targets: ({ targets }) => targets,
  loss(params, { hidden }, { targets }) {
    const error = tf.square(tf.sub(tf.mul(hidden[0] as tf.Tensor3D, params.head), targets));
    const loss: tf.Scalar = tf.mean(error);
    return { loss, distance: loss, observed: {}, metrics: { error: tf.mean(error), peak: tf.max(error) } };
  },
  update: (state) => state,
};

/** The same weight at every step. */
export const constantWeight = (weight: number): WeightSchedule => ({
  initState: () => ({}),
  weight: () => tf.scalar(weight),
  update: (state) => state,
});

/** Where ln(sigma / alpha) has a value, on both paths. */
export const PATHS: Readonly<Record<'linear' | 'cosine', Pick<Interpolant, 'timeAt'>>> = {
  linear: { timeAt: (logRatio) => tf.sigmoid(logRatio) },
  cosine: { timeAt: (logRatio) => tf.mul(tf.atan(tf.exp(logRatio)), 2 / Math.PI) },
};

export const deps: TrainDeps<ToyParams, ToyHead, tf.Tensor3D> = {
  denoiser,
  alignment,
  weight: constantWeight(0.5),
  optimizer: optimizer({ weightDecay: 0.01 }),
  rng: philox(11),
  interpolant: {
    interpolate(x0, noise, t) {
      const time = tf.reshape(t, [-1, 1, 1, 1]);
      const xt = tf.add(tf.mul(tf.sub(1, time), x0), tf.mul(time, noise));
      return { xt: xt as tf.Tensor4D, velocity: tf.sub(noise, x0) };
    },
    ...PATHS.linear,
  },
};

export const options: StepOptions = {
  time: { sampling: 'uniform' },
  labelDropout: 0.1,
  nullClass: CLASSES,
  optim: { learningRate: 0.05, maxGradNorm: 1 },
  ema: [{ decay: 0.9 }],
};

export const newState = (): ToyState => initState(deps, philox(3), options.ema);

/** Items `[start, start + size)` of an endless set; `spoil` puts a NaN into the first latent. */
export function toyBatch(start: number, size: number, spoil = false): ToyBatch {
  return tf.tidy(() => {
    const mean = Array.from({ length: size }, (_, i) => testTensor([2, 2, C], start + i + 1));
    if (spoil) mean[0] = tf.mul(mean[0] as tf.Tensor, Number.NaN);
    const labels = Array.from({ length: size }, (_, i) => (start + i) % CLASSES);
    const stacked = tf.stack(mean) as tf.Tensor4D;
    return {
      latent: { mean: stacked, std: tf.fill([size, 2, 2, C], 0.1) as tf.Tensor4D },
      y: tf.tensor1d(labels, 'int32'),
      targets: tf.clone(tf.reshape(stacked, [size, 4, C])) as tf.Tensor3D,
    };
  });
}

/** Every value of a tree's leaves. */
export const values = (leaves: readonly tf.Tensor[]): number[][] =>
  leaves.map((leaf) => [...leaf.dataSync()]);
