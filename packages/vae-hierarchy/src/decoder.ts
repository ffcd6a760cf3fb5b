/** Decoding unscaled latents to images. */
import * as tf from '@tensorflow/tfjs-core';
import type { VaeConfig } from './config.ts';
import { klDecode } from './kl.ts';
import type { KlVaeParams, TinyVaeParams, VaeParams } from './params.ts';
import { tinyDecode } from './tiny.ts';

/**
 * Decodes unscaled latents `z` `[B, h, w, C]` -> images `[B, 8h, 8w, 3]` (for four levels), about [-1, 1], not clipped.
 * @throws RangeError where the latents have another shape
 */
export function decode(params: VaeParams, z: tf.Tensor4D, config: VaeConfig): tf.Tensor4D {
  if (z.rank !== 4 || z.shape[3] !== config.latentChannels) {
    throw new RangeError(
      `decode: latents have shape [${z.shape}], wanted [B, h, w, ${config.latentChannels}].`,
    );
  }
  return tf.tidy(() =>
    config.kind === 'tiny'
      ? tinyDecode(params as TinyVaeParams, z, config)
      : klDecode(params as KlVaeParams, z, config),
  );
}
