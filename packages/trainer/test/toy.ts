/** A linear denoiser with one head, small enough for the plain CPU backend. */
import { philox } from '@ahpa/ops';
import type { Batch, Denoiser } from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import {
  ADAMW,
  type Alignment,
  initState,
  type TrainConfig,
  type TrainDeps,
  type TrainState,
} from '../src/index.ts';

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
    const condition = tf.add(tf.mul(tf.reshape(t, [b, 1]), params.time), tf.gather(params.table, y));
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
  weight: 0.5,
  init: (rng) => ({ head: rng.normal([C], 'init/head') }),
  loss(params, { hidden }, { targets }) {
    const error = tf.square(tf.sub(tf.mul(hidden[0] as tf.Tensor3D, params.head), targets));
    return { loss: tf.mean(error), metrics: { error: tf.mean(error), peak: tf.max(error) } };
  },
};

export const deps: TrainDeps<ToyParams, ToyHead, tf.Tensor3D> = {
  denoiser,
  alignment,
  rng: philox(11),
  interpolant: {
    interpolate(x0, noise, t) {
      const time = tf.reshape(t, [-1, 1, 1, 1]);
      const xt = tf.add(tf.mul(tf.sub(1, time), x0), tf.mul(time, noise));
      return { xt: xt as tf.Tensor4D, velocity: tf.sub(noise, x0) };
    },
    timeAt: (logRatio) => tf.sigmoid(logRatio),
  },
};

export const config: TrainConfig = {
  timesteps: { kind: 'uniform' },
  labelDropout: 0.1,
  nullClass: CLASSES,
  learningRate: { kind: 'constant', base: 0.05 },
  adamw: { ...ADAMW, weightDecay: 0.01 },
  maxGradNorm: 1,
  ema: [{ kind: 'constant', decay: 0.9 }],
};

export const newState = (): ToyState => initState(deps, philox(3), config);

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
