/**
 * Encoding images: the posterior of the latent, and the feature maps on the way there. Names of maps are those of the CompVis
 * modules: conv_in, down.0.block.0, down.0.downsample, mid.block_1, mid.attn_1, latent.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { klEncoder } from './kl.ts';
import type { KlVaeParams, TinyVaeParams, VaeParams } from './params.ts';
import { type Encoder, type Levels, type Posterior, runStages } from './stages.ts';
import { tinyEncoder } from './tiny.ts';

export type { Levels, Posterior } from './stages.ts';

function createEncoder(params: VaeParams, config: VaeConfig): Encoder {
  return config.kind === 'tiny'
    ? tinyEncoder(params as TinyVaeParams, config)
    : klEncoder(params as KlVaeParams, config);
}

function checkInput(x: tf.Tensor4D, config: VaeConfig): void {
  const stride = 2 ** (config.blockOutChannels.length - 1);
  const [, height, width, channels] = x.shape;
  if (x.rank !== 4 || channels !== config.inChannels || height % stride !== 0 || width % stride !== 0) {
    throw new RangeError(
      `encode: images have shape [${x.shape}], wanted [B, H, W, ${config.inChannels}] with H and W multiples of ${stride}.`,
    );
  }
}

function checkTaps(taps: readonly string[], known: readonly string[]): void {
  const unknown = taps.filter((tap) => !known.includes(tap));
  if (unknown.length > 0) {
    throw new RangeError(`encode: unknown taps ${unknown.join(', ')}; this VAE has ${known.join(', ')}.`);
  }
}

/**
 * Encodes images `x` `[B, H, W, 3]` in [-1, 1]: the posterior of the latent `[B, H/8, W/8, C]` (for four levels), and the
 * feature maps named in `taps`. The tap `latent` is the posterior mean. An AutoencoderTiny has no variance: `logVar` is
 * -infinity, so that a sample is the mean.
 */
export function encode(
  params: VaeParams,
  x: tf.Tensor4D,
  config: VaeConfig,
  taps: readonly string[] = [],
): { posterior: Posterior; levels: Levels } {
  checkInput(x, config);
  return tf.tidy(() => {
    const { stages, posterior: toPosterior } = createEncoder(params, config);
    checkTaps(taps, [...stages.map(([name]) => name), 'latent']);
    const [features, levels] = runStages(stages, x, new Set(taps));
    const posterior = toPosterior(features);
    const latent = taps.includes('latent') ? { latent: tf.clone(posterior.mean) } : {};
    return { posterior, levels: { ...levels, ...latent } } as never;
  });
}

/** The feature maps named in `taps` of images `x` `[B, H, W, 3]`; computes nothing past the deepest of them. */
export function encodeLevels(
  params: VaeParams,
  x: tf.Tensor4D,
  config: VaeConfig,
  taps: readonly string[],
): Levels {
  if (taps.includes('latent')) {
    const { posterior, levels } = encode(params, x, config, taps);
    tf.dispose([posterior.mean, posterior.logVar]);
    return levels;
  }
  checkInput(x, config);
  return tf.tidy(() => {
    const { stages } = createEncoder(params, config);
    const names = stages.map(([name]) => name);
    checkTaps(taps, [...names, 'latent']);
    const deepest = Math.max(-1, ...taps.map((tap) => names.indexOf(tap)));
    return runStages(stages.slice(0, deepest + 1), x, new Set(taps))[1];
  });
}
