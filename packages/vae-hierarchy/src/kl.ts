/** The networks of an AutoencoderKL: residual blocks with group normalization and an attention in the middle. */
import * as tf from '@tensorflow/tfjs-core';
import type { KlVaeConfig } from './config.ts';
import { groupNormSilu } from './group-norm.ts';
import { attention, conv, downsample, middle, resnetBlock, upsample } from './layers.ts';
import type { KlVaeParams, LevelParams } from './params.ts';
import type { Encoder, Posterior, Stage } from './stages.ts';

function levelStages(level: LevelParams, index: number, groups: number): readonly Stage[] {
  const blocks = level.resnets.map(
    (block, j): Stage => [`down.${index}.block.${j}`, (x) => resnetBlock(x, block, groups)],
  );
  const down = level.downsamplers?.[0].conv;
  return down ? [...blocks, [`down.${index}.downsample`, (x) => downsample(x, down)]] : blocks;
}

function encoderStages({ encoder }: KlVaeParams, groups: number): readonly Stage[] {
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

function toPosterior(features: tf.Tensor4D, params: KlVaeParams, groups: number): Posterior {
  const { conv_norm_out, conv_out } = params.encoder;
  const out = conv(groupNormSilu(features, conv_norm_out, groups), conv_out);
  const moments = params.quant_conv ? conv(out, params.quant_conv) : out;
  const [mean, logVar] = tf.split(moments, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  return { mean, logVar: tf.clipByValue(logVar, -30, 20) };
}

/** The encoder: convolution, levels, middle, normalization, convolution to mean and log variance. */
export function klEncoder(params: KlVaeParams, { normNumGroups }: KlVaeConfig): Encoder {
  return {
    stages: encoderStages(params, normNumGroups),
    posterior: (features) => toPosterior(features, params, normNumGroups),
  };
}

function decodeLevel(x: tf.Tensor4D, level: LevelParams, groups: number): tf.Tensor4D {
  return tf.tidy(() => {
    const features = level.resnets.reduce((map, block) => resnetBlock(map, block, groups), x);
    const up = level.upsamplers?.[0].conv;
    return up ? upsample(features, up) : features;
  });
}

/** The decoder: convolution, middle, levels, normalization, convolution to the image. */
export function klDecode(params: KlVaeParams, z: tf.Tensor4D, { normNumGroups }: KlVaeConfig): tf.Tensor4D {
  const { decoder, post_quant_conv } = params;
  const latent = post_quant_conv ? conv(z, post_quant_conv) : z;
  const start = middle(conv(latent, decoder.conv_in), decoder.mid_block, normNumGroups);
  const features = decoder.up_blocks.reduce((map, level) => decodeLevel(map, level, normNumGroups), start);
  return conv(groupNormSilu(features, decoder.conv_norm_out, normNumGroups), decoder.conv_out);
}
