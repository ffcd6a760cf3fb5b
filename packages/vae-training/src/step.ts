/** One step of VAE training as pure data flow: reconstruct, weigh the posterior, clip, AdamW, average. */
import { flatten, mapTree, tidyTree, unflatten } from '@ahpa/ops';
import type { Rng, Tree } from '@ahpa/ports';
import {
  type AdamWOptions,
  clipScale,
  globalNorm,
  type LearningRateOptions,
  learningRate,
  optimizer,
  scaleGradients,
  updateEma,
} from '@ahpa/trainer';
import { decode, encode, samplePosterior, type VaeConfig, type VaeParams } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';

/** Hyper-parameters of VAE training. */
export interface VaeTrainConfig {
  readonly rate: LearningRateOptions;
  readonly adamw: AdamWOptions;
  readonly maxGradNorm: number;
  readonly emaDecay: number;
  /** Weight of the posterior's KL divergence from N(0, 1), summed over a latent and divided by the image's values. */
  readonly klWeight: number;
}

/** State of a training run. */
export type VaeTrainState = {
  readonly step: tf.Tensor;
  readonly params: VaeParams;
  readonly ema: VaeParams;
  readonly moments: Tree;
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
  const reconstruction = decode(params, samplePosterior(posterior, noise), vae);
  const error = tf.mean(tf.squaredDifference(reconstruction, x)) as tf.Scalar;
  const { mean, logVar } = posterior;
  const terms = tf.sub(tf.add(tf.square(mean), tf.exp(logVar)), tf.add(logVar, 1));
  const kl = tf.div(tf.mul(tf.sum(terms), 0.5), x.size);
  return { loss: tf.add(error, tf.mul(kl, klWeight)) as tf.Scalar, error };
}

/** The state before the first step; it owns `params`. */
export function initVaeState(params: VaeParams): VaeTrainState {
  return {
    step: tf.scalar(0, 'int32'),
    params,
    ema: mapTree(tf.clone, params),
    moments: { m: mapTree(tf.zerosLike, params), v: mapTree(tf.zerosLike, params) },
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
  return tidyTree(() => {
    const { grads, error } = vaeGradient(state, x, vae, config.klWeight, rng);
    const gradNorm = globalNorm(grads);
    const clipped = scaleGradients(grads, clipScale(gradNorm, config.maxGradNorm));
    const rate = learningRate(config.rate, state.step);
    const { params, moments, step } = state;
    const next = optimizer(config.adamw).update(params, clipped, moments, step, rate, tf.scalar(1));
    return {
      state: {
        step: tf.add(state.step, tf.scalar(1, 'int32')),
        params: next.params,
        ema: updateEma(state.ema, next.params, tf.scalar(1 - config.emaDecay)),
        moments: next.state,
      },
      error,
      gradNorm,
    };
  });
}

/** Gradient of the loss at the state's parameters, and the mean squared error. */
function vaeGradient(
  { params, step }: VaeTrainState,
  x: tf.Tensor4D,
  vae: VaeConfig,
  klWeight: number,
  rng: Rng,
): { grads: VaeParams; error: tf.Tensor } {
  const [batch, height, width] = x.shape;
  const stride = 2 ** (vae.blockOutChannels.length - 1);
  const latent = [batch, height / stride, width / stride, vae.latentChannels];
  const noise = rng.normal(latent, 'posterior', step);
  let kept: tf.Tensor | undefined; // the closure disposes everything but what it returns
  const { grads } = tf.valueAndGrads((...leaves: tf.Tensor[]) => {
    const { loss, error } = vaeLoss(unflatten(params, leaves), x, noise, vae, klWeight);
    kept = tf.keep(error);
    return loss;
  })(flatten(params));
  const error = tf.clone(kept as unknown as tf.Tensor);
  tf.dispose(kept as unknown as tf.Tensor);
  return { grads: unflatten(params, grads), error };
}
