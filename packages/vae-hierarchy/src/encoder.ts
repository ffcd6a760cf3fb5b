/**
 * The encoder as a list of named stages, run as far as the deepest feature map that is asked for.
 * Names are those of the CompVis modules: conv_in, down.0.block.0, down.0.downsample, mid.block_1, mid.attn_1, latent.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { groupNormSilu } from './group-norm.ts';
import { attention, conv, downsample, resnetBlock } from './layers.ts';
import type { LevelParams, VaeParams } from './params.ts';

/** Diagonal Gaussian of the unscaled latent; both `[B, h, w, latentChannels]`. */
export interface Posterior {
  readonly mean: tf.Tensor4D;
  readonly logVar: tf.Tensor4D;
}

/** Feature maps by tap name. */
export type Levels = Record<string, tf.Tensor4D>;

type Stage = readonly [name: string, apply: (x: tf.Tensor4D) => tf.Tensor4D];

function levelStages(level: LevelParams, index: number, groups: number): readonly Stage[] {
  const blocks = level.resnets.map(
    (block, j): Stage => [`down.${index}.block.${j}`, (x) => resnetBlock(x, block, groups)],
  );
  const down = level.downsamplers?.[0].conv;
  return down ? [...blocks, [`down.${index}.downsample`, (x) => downsample(x, down)]] : blocks;
}

function encoderStages({ encoder }: VaeParams, groups: number): readonly Stage[] {
  const [first, second] = encoder.mid_block.resnets;
  const heads = encoder.mid_block.attentions?.[0];
  return [
    ['conv_in', (x) => conv(x, encoder.conv_in)],
    ...encoder.down_blocks.flatMap((level, i) => levelStages(level, i, groups)),
    ['mid.block_1', (x) => resnetBlock(x, first, groups)],
    ...(heads ? [['mid.attn_1', (x: tf.Tensor4D) => attention(x, heads, groups)] as const] : []),
    ['mid.block_2', (x) => resnetBlock(x, second, groups)],
  ];
}

/** Runs `stages` on `x`, keeping the maps named in `taps` and freeing the others; returns the last map too. */
function runStages(
  stages: readonly Stage[],
  x: tf.Tensor4D,
  taps: ReadonlySet<string>,
): [tf.Tensor4D, Levels] {
  const levels: Levels = {};
  let current = x;
  let passing = true; // whether `current` belongs to the caller or to `levels`
  for (const [name, apply] of stages) {
    const next = apply(current);
    if (!passing) tf.dispose(current);
    passing = taps.has(name);
    if (passing) levels[name] = next;
    current = next;
  }
  return [current, levels];
}

function posteriorOf(features: tf.Tensor4D, params: VaeParams, groups: number): Posterior {
  const { conv_norm_out, conv_out } = params.encoder;
  const moments = conv(conv(groupNormSilu(features, conv_norm_out, groups), conv_out), params.quant_conv);
  const [mean, logVar] = tf.split(moments, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  return { mean, logVar: tf.clipByValue(logVar, -30, 20) };
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
 * feature maps named in `taps`. The tap `latent` is the posterior mean.
 */
export function encode(
  params: VaeParams,
  x: tf.Tensor4D,
  config: VaeConfig,
  taps: readonly string[] = [],
): { posterior: Posterior; levels: Levels } {
  checkInput(x, config);
  return tf.tidy(() => {
    const stages = encoderStages(params, config.normNumGroups);
    checkTaps(taps, [...stages.map(([name]) => name), 'latent']);
    const [features, levels] = runStages(stages, x, new Set(taps));
    const posterior = posteriorOf(features, params, config.normNumGroups);
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
    const stages = encoderStages(params, config.normNumGroups);
    const names = stages.map(([name]) => name);
    checkTaps(taps, [...names, 'latent']);
    const deepest = Math.max(-1, ...taps.map((tap) => names.indexOf(tap)));
    return runStages(stages.slice(0, deepest + 1), x, new Set(taps))[1];
  });
}
