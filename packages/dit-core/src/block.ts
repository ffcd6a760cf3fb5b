/** The adaLN-zero transformer block and the final layer of SiT. */
import { activatedProduct, checkpoint, linear, product } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { attentionLogits, mixedTokens } from './attention.ts';
import { GELU, gatedResidual, modulatedLayerNorm } from './nn.ts';
import type { BlockParams, FinalLayerParams } from './params.ts';

/** adaLN modulation: shift, scale and gate for attention and MLP; activated = silu(condition) [B, D] -> [B, 6 D]. */
export const blockModulation = (params: BlockParams, activated: tf.Tensor2D): tf.Tensor2D =>
  linear(activated, params.adaLN_modulation[1]);

/** The parameters of a block beside those of its modulation. */
type InnerParams = Pick<BlockParams, 'attn' | 'mlp'>;

/**
 * adaLN-zero block: x [B, T, D], modulation [B, 6 D] -> [B, T, D].
 * x += gate1 attention(LN(x) (1 + scale1) + shift1); x += gate2 mlp(LN(x) (1 + scale2) + shift2).
 */
export function applyBlock(
  { attn, mlp }: InnerParams,
  x: tf.Tensor3D,
  modulation: tf.Tensor2D,
  heads: number,
): tf.Tensor3D {
  return tf.tidy(() => {
    const [shift1, scale1, gate1, shift2, scale2, gate2] = tf.split(modulation, 6, 1) as Six;
    const mixed = mixedTokens(attn, modulatedLayerNorm(x, shift1, scale1), heads);
    const middle = gatedResidual(x, gate1, product(mixed, attn.proj.weight), attn.proj.bias);
    const wide = product(modulatedLayerNorm(middle, shift2, scale2), mlp.fc1.weight);
    const narrow = activatedProduct(GELU, wide, mlp.fc1.bias, mlp.fc2.weight);
    return gatedResidual(middle, gate2, narrow, mlp.fc2.bias);
  });
}

/**
 * The attention logits inside `applyBlock`: x [B, T, D], modulation [B, 6 D] -> [B, N, T, T]. They are computed a second time, so that
 * the block may use a fused attention.
 */
export function blockLogits(
  { attn }: InnerParams,
  x: tf.Tensor3D,
  modulation: tf.Tensor2D,
  heads: number,
): tf.Tensor4D {
  return tf.tidy(() => {
    const [shift, scale] = tf.split(modulation, 6, 1) as Six;
    return attentionLogits(attn, modulatedLayerNorm(x, shift, scale), heads);
  });
}

/** `applyBlock` with gradient checkpointing: only its inputs are kept for the gradient. */
export function applyCheckpointedBlock(
  { attn, mlp }: InnerParams,
  x: tf.Tensor3D,
  modulation: tf.Tensor2D,
  heads: number,
): tf.Tensor3D {
  const params = { attn, mlp };
  const leaves: tf.Tensor[] = [];
  replaceLeaves(params, (leaf) => {
    leaves.push(leaf);
    return leaf;
  });
  return checkpoint(
    (input, given, ...values) => {
      const own = replaceLeaves(params, () => values.shift() as tf.Tensor);
      return applyBlock(own, input as tf.Tensor3D, given as tf.Tensor2D, heads);
    },
    [x, modulation, ...leaves],
  );
}

/** The same block with every tensor replaced, in the order of its keys. */
function replaceLeaves<T extends object>(tree: T, replace: (leaf: tf.Tensor) => tf.Tensor): T {
  const entries = Object.entries(tree).map(([key, value]: [string, object]) => [
    key,
    value instanceof tf.Tensor ? replace(value) : replaceLeaves(value, replace),
  ]);
  return Object.fromEntries(entries) as T;
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
