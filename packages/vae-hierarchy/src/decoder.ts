/** The decoder: from an unscaled latent to an image. */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { groupNormSilu } from './group-norm.ts';
import { conv, middle, resnetBlock, upsample } from './layers.ts';
import type { LevelParams, VaeParams } from './params.ts';

function decodeLevel(x: tf.Tensor4D, level: LevelParams, groups: number): tf.Tensor4D {
  return tf.tidy(() => {
    const features = level.resnets.reduce((map, block) => resnetBlock(map, block, groups), x);
    const up = level.upsamplers?.[0].conv;
    return up ? upsample(features, up) : features;
  });
}

/** Decodes unscaled latents `z` `[B, h, w, C]` -> images `[B, 8h, 8w, 3]` (for four levels), about [-1, 1], not clipped. */
export function decode(params: VaeParams, z: tf.Tensor4D, config: VaeConfig): tf.Tensor4D {
  if (z.rank !== 4 || z.shape[3] !== config.latentChannels) {
    throw new RangeError(
      `decode: latents have shape [${z.shape}], wanted [B, h, w, ${config.latentChannels}].`,
    );
  }
  const { decoder } = params;
  const groups = config.normNumGroups;
  return tf.tidy(() => {
    const start = middle(conv(conv(z, params.post_quant_conv), decoder.conv_in), decoder.mid_block, groups);
    const features = decoder.up_blocks.reduce((map, level) => decodeLevel(map, level, groups), start);
    return conv(groupNormSilu(features, decoder.conv_norm_out, groups), decoder.conv_out);
  });
}
