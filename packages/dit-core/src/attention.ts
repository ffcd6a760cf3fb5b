/** Multi-head self-attention over the tokens of an image. */
import * as tf from '@tensorflow/tfjs-core';
import { checkpoint, differentiable } from './differentiable.ts';
import { linear } from './nn.ts';
import type { BlockParams } from './params.ts';

/** softmax(q kᵀ / sqrt(K)) v over [B, N, T, K], with the softmax's gradient dS = P ∘ dP - P rowsum(P ∘ dP). */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const scale = 1 / Math.sqrt(q.shape[3]);
    return differentiable<tf.Tensor4D>(
      [q, k, v],
      (save) => {
        const scaled = tf.mul(q, scale); // smaller than the [B, N, T, T] scores
        const probabilities = tf.softmax(tf.matMul(scaled, k, false, true));
        save([scaled, k, v, probabilities]);
        return tf.matMul(probabilities, v);
      },
      (dy, saved) => {
        const [scaled, keys, values, probabilities] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        // Measured faster than FlashAttention's P ∘ (dP - rowsum(dO ∘ O)), and needs no copy of the output.
        const weighted = tf.mul(tf.matMul(dy, values, false, true), probabilities);
        const dScores = tf.sub(weighted, tf.mul(probabilities, tf.sum(weighted, -1, true)));
        return [
          tf.mul(tf.matMul(dScores, keys), scale),
          tf.matMul(dScores, scaled, true, false),
          tf.matMul(probabilities, dy, true, false),
        ];
      },
    );
  });
}

/** Self-attention of a block, timm's `Attention` without qk-norm: [B, T, D] -> [B, T, D]. */
export function selfAttention(params: BlockParams['attn'], x: tf.Tensor3D, heads: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, tokens, width] = x.shape;
    const qkv = tf.reshape(linear(x, params.qkv), [batch, tokens, 3, heads, width / heads]);
    // One transpose to [3, B, N, T, K]; unstacking the leading axis needs no further copy.
    const [q, k, v] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4])) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const attended = checkpoint(
      (...qkv) => attention(...(qkv as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D])),
      [q, k, v],
    );
    const mixed = tf.transpose(attended, [0, 2, 1, 3]); // [B, T, N, K]
    return linear(tf.reshape(mixed, [batch, tokens, width]) as tf.Tensor3D, params.proj);
  });
}

/** The logits of that attention before the softmax, q kᵀ / sqrt(K): [B, T, D] -> [B, N, T, T]. */
export function attentionLogits(params: BlockParams['attn'], x: tf.Tensor3D, heads: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, tokens, width] = x.shape;
    const qkv = tf.reshape(linear(x, params.qkv), [batch, tokens, 3, heads, width / heads]);
    const [q, k] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4])) as [tf.Tensor4D, tf.Tensor4D];
    return tf.matMul(tf.mul(q, Math.sqrt(heads / width)), k, false, true) as tf.Tensor4D;
  });
}
