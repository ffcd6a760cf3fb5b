/** Multi-head self-attention over the tokens of an image. */
import { checkpoint, differentiable, fuse, linear } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { BlockParams, NormParams } from './params.ts';

/** softmax(q kᵀ / sqrt(K)) v over [B, N, T, K], with the softmax's gradient dS = P ∘ dP - P rowsum(P ∘ dP). */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const scale = 1 / Math.sqrt(q.shape[3]);
    return differentiable<tf.Tensor4D>(
      [q, k, v],
      (save) => {
        const scaled = tf.mul(q, scale); // smaller than the [B, N, T, T] scores
        const probabilities = tf.softmax(tf.matMul(scaled, k, false, true));
        save([q, k, v, probabilities]);
        return tf.matMul(probabilities, v);
      },
      (dy, saved) => {
        const [queries, keys, values, probabilities] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const [dScores] = fuse(
          (p, dp) => {
            const weighted = tf.mul(dp, p);
            return [tf.mul(tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true))), scale)];
          },
          [probabilities, tf.matMul(dy, values, false, true)],
        ) as [tf.Tensor];
        return [
          tf.matMul(dScores, keys),
          tf.matMul(dScores, queries, true, false),
          tf.matMul(probabilities, dy, true, false),
        ];
      },
    );
  });
}

const HEAD_NORM_EPSILON = 1e-5;

/** LayerNorm over the K numbers of each head, where the block has one: [B, N, T, K] -> [B, N, T, K]. */
function normalizeHead(x: tf.Tensor4D, norm: NormParams | undefined): tf.Tensor4D {
  if (norm === undefined) return x;
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, HEAD_NORM_EPSILON)));
  return tf.add(tf.mul(normal, norm.weight), norm.bias);
}

/** Outputs of all heads, concatenated, before the projection: x [B, T, D] -> [B, T, D]. */
export function mixedTokens(params: BlockParams['attn'], x: tf.Tensor3D, heads: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, tokens, width] = x.shape;
    const parts = tf.reshape(linear(x, params.qkv), [batch, tokens, 3, heads, width / heads]);
    // One transpose to [3, B, N, T, K]; unstacking the leading axis needs no further copy.
    const [q, k, v] = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4])) as [
      tf.Tensor4D,
      tf.Tensor4D,
      tf.Tensor4D,
    ];
    const attended = checkpoint(
      (...qkv) => attention(...(qkv as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D])),
      [normalizeHead(q, params.q_norm), normalizeHead(k, params.k_norm), v],
    );
    const mixed = tf.transpose(attended, [0, 2, 1, 3]); // [B, T, N, K]
    return tf.reshape(mixed, [batch, tokens, width]) as tf.Tensor3D;
  });
}

/** Self-attention of a block, timm's `Attention`: [B, T, D] -> [B, T, D]. */
export function selfAttention(params: BlockParams['attn'], x: tf.Tensor3D, heads: number): tf.Tensor3D {
  return tf.tidy(() => linear(mixedTokens(params, x, heads), params.proj));
}

/** The logits of that attention before the softmax, q kᵀ / sqrt(K): [B, T, D] -> [B, N, T, T]. */
export function attentionLogits(params: BlockParams['attn'], x: tf.Tensor3D, heads: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, tokens, width] = x.shape;
    const qkv = tf.reshape(linear(x, params.qkv), [batch, tokens, 3, heads, width / heads]);
    const [queries, keys] = tf.unstack(tf.transpose(qkv, [2, 0, 3, 1, 4])) as [tf.Tensor4D, tf.Tensor4D];
    const [q, k] = [normalizeHead(queries, params.q_norm), normalizeHead(keys, params.k_norm)];
    return tf.matMul(tf.mul(q, Math.sqrt(heads / width)), k, false, true) as tf.Tensor4D;
  });
}
