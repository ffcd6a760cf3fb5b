/** One step of VAE training as pure data flow: reconstruct, weigh the posterior, clip, AdamW, average. */
import {
  type AdamWConfig,
  adamw,
  clipScale,
  flatten,
  globalNorm,
  learningRate,
  type Moments,
  type Rng,
  type ScheduleConfig,
  scaleGradients,
  unflatten,
  updateEma,
} from '@ahpa/trainer';
import { decode, encode, samplePosterior, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';

/** Hyper-parameters of VAE training. */
export interface VaeTrainConfig {
  readonly schedule: ScheduleConfig;
  readonly adamw: AdamWConfig;
  readonly maxGradNorm: number;
  readonly emaDecay: number;
  /** Weight of the posterior's KL divergence from N(0, 1), summed over a latent and divided by the image's values. */
  readonly klWeight: number;
}

/** Everything that a step changes. */
export type VaeTrainState = {
  readonly step: tf.Tensor;
  readonly params: VaeParams;
  readonly ema: VaeParams;
  readonly moments: Moments<VaeParams>;
};

/** Mean squared error of the reconstruction plus weighted KL of images `x [B, H, W, 3]` in [-1, 1]. */
function vaeLoss(
  params: VaeParams,
  x: tf.Tensor4D,
  noise: tf.Tensor,
  vae: VaeConfig,
  klWeight: number,
): { loss: tf.Scalar; error: tf.Scalar } {
  const { posterior } = encode(params, x, vae);
  const reconstruction = decode(params, samplePosterior(posterior, noise) as tf.Tensor4D, vae);
  const error = tf.mean(tf.squaredDifference(tf.cast(reconstruction, 'float32'), x)) as tf.Scalar;
  const { mean, logVar } = posterior;
  const terms = tf.sub(tf.add(tf.square(mean), tf.exp(logVar)), tf.add(logVar, 1));
  const kl = tf.div(tf.mul(tf.sum(terms), 0.5), x.size);
  return { loss: tf.add(error, tf.mul(kl, klWeight)) as tf.Scalar, error };
}

/** Fresh state around `params`, which it keeps. */
export function initVaeState(params: VaeParams): VaeTrainState {
  const like = (make: (leaf: tf.Tensor) => tf.Tensor): VaeParams =>
    unflatten(params as never, flatten(params as never).map(make)) as never;
  return {
    step: tf.scalar(0, 'int32'),
    params,
    ema: like((leaf) => tf.clone(leaf)),
    moments: { m: like(tf.zerosLike), v: like(tf.zerosLike) },
  };
}

/** `state, x [B, H, W, 3] -> state and { error, gradNorm }`; borrows its arguments. */
export function vaeTrainStep(
  state: VaeTrainState,
  x: tf.Tensor4D,
  vae: VaeConfig,
  config: VaeTrainConfig,
  rng: Rng,
): { state: VaeTrainState; error: tf.Tensor; gradNorm: tf.Tensor } {
  const [batch, height, width] = x.shape;
  const stride = 2 ** (vae.blockOutChannels.length - 1);
  const noise = rng.normal(
    [batch, height / stride, width / stride, vae.latentChannels],
    'posterior',
    state.step,
  );
  const leaves = flatten(state.params as never);
  let error: tf.Tensor | undefined;
  const { grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
    const result = vaeLoss(unflatten(state.params as never, values) as never, x, noise, vae, config.klWeight);
    error = tf.keep(result.error);
    return result.loss;
  })(leaves);
  const gradNorm = globalNorm(grads);
  const clipped = scaleGradients(grads, clipScale(gradNorm, config.maxGradNorm));
  const rate = learningRate(config.schedule, state.step);
  const optimiser = adamw(config.adamw);
  const next = optimiser.update(
    state.params as never,
    unflatten(state.params as never, clipped) as never,
    state.moments as never,
    state.step,
    rate,
  ) as unknown as {
    params: VaeParams;
    moments: Moments<VaeParams>;
  };
  const ema = updateEma(
    state.ema as never,
    next.params as never,
    tf.scalar(1 - config.emaDecay),
  ) as unknown as VaeParams;
  return {
    state: {
      step: tf.add(state.step, tf.scalar(1, 'int32')),
      params: next.params,
      ema,
      moments: next.moments,
    },
    error: error as tf.Tensor,
    gradNorm,
  };
}
