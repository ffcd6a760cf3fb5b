/** The adaLN-zero transformer block and the final layer of SiT. */
import * as tf from '@tensorflow/tfjs-core';
import { selfAttention } from './attention.ts';
import { activatedLinear, gatedResidual, gelu, linear, modulatedLayerNorm } from './nn.ts';
import type { BlockParams, FinalLayerParams } from './params.ts';

/**
 * adaLN-zero block: x [B, T, D], activated = silu(condition) [B, D] -> [B, T, D].
 * x += gate1 attention(LN(x) (1 + scale1) + shift1); x += gate2 mlp(LN(x) (1 + scale2) + shift2).
 */
export function applyBlock(
  params: BlockParams,
  x: tf.Tensor3D,
  activated: tf.Tensor2D,
  heads: number,
): tf.Tensor3D {
  return tf.tidy(() => {
    const modulation = linear(activated, params.adaLN_modulation[1]); // [B, 6 D]
    const [shift1, scale1, gate1, shift2, scale2, gate2] = tf.split(modulation, 6, 1) as Six;
    const attended = selfAttention(params.attn, modulatedLayerNorm(x, shift1, scale1), heads);
    const middle = gatedResidual(x, gate1, attended);
    const widened = linear(modulatedLayerNorm(middle, shift2, scale2), params.mlp.fc1);
    return gatedResidual(middle, gate2, activatedLinear(gelu, widened, params.mlp.fc2));
  });
}

type Six = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** Final layer: x [B, T, D], activated [B, D] -> [B, T, p*p*C]. */
export function applyFinalLayer(
  params: FinalLayerParams,
  x: tf.Tensor3D,
  activated: tf.Tensor2D,
): tf.Tensor3D {
  return tf.tidy(() => {
    const [shift, scale] = tf.split(linear(activated, params.adaLN_modulation[1]), 2, 1) as [
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    return linear(modulatedLayerNorm(x, shift, scale), params.linear);
  });
}
