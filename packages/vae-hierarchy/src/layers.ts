/** The layers of the VAE: convolution, residual block, attention, resampling. NHWC; default padding SAME. */
import { convolution } from '@ahpa/ops';
import type { LinearParams } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { groupNorm, groupNormSilu } from './group-norm.ts';
import type { AttentionParams, ConvParams, MidParams, ResnetParams } from './params.ts';

/** Stride-1 convolution that keeps the size. */
export function conv(x: tf.Tensor4D, params: ConvParams): tf.Tensor4D {
  return tf.tidy(() => tf.add(convolution(x, params.weight, 1, 'same'), params.bias));
}

/**
 * Halves the size: one row and one column of zeros after the last, then a 3x3 convolution of stride 2. For even sizes that
 * is what SAME padding does at stride 2.
 */
export function downsample(x: tf.Tensor4D, params: ConvParams): tf.Tensor4D {
  return tf.tidy(() => tf.add(convolution(x, params.weight, 2, 'same'), params.bias));
}

/** Repeats every pixel 2x2; the gradient is the sum over the four, taken as an exact 4 times their average. */
export const nearest2x: (x: tf.Tensor4D) => tf.Tensor4D = tf.customGrad((input) => {
  const x = input as tf.Tensor4D;
  const [, height, width] = x.shape;
  return {
    value: tf.image.resizeNearestNeighbor(x, [2 * height, 2 * width]),
    gradFunc: (dy) => tf.mul(tf.avgPool(dy as tf.Tensor4D, 2, 2, 'valid'), 4),
  };
});

/** Doubles the size: nearest neighbour, then a 3x3 convolution. */
export function upsample(x: tf.Tensor4D, params: ConvParams): tf.Tensor4D {
  return tf.tidy(() => conv(nearest2x(x), params));
}

/** norm, SiLU, conv, norm, SiLU, conv, plus the input (through a 1x1 convolution where channels change). */
export function resnetBlock(x: tf.Tensor4D, params: ResnetParams, groups: number): tf.Tensor4D {
  return tf.tidy(() => {
    const inner = conv(groupNormSilu(x, params.norm1, groups), params.conv1);
    const outer = conv(groupNormSilu(inner, params.norm2, groups), params.conv2);
    return tf.add(params.conv_shortcut ? conv(x, params.conv_shortcut) : x, outer);
  });
}

function linear(x: tf.Tensor2D, params: LinearParams): tf.Tensor2D {
  return tf.add(tf.matMul(x, params.weight, false, true), params.bias);
}

/** Single-head self-attention over all positions, added to the input; logits are scaled by 1/sqrt(C). */
export function attention(x: tf.Tensor4D, params: AttentionParams, groups: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const tokens = height * width;
    const normed = tf.reshape(groupNorm(x, params.group_norm, groups), [
      batch * tokens,
      channels,
    ]) as tf.Tensor2D;
    const [q, k, v] = [params.to_q, params.to_k, params.to_v].map((head) =>
      tf.reshape(linear(normed, head), [batch, tokens, channels]),
    ) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const weights = tf.softmax(tf.matMul(tf.mul(q, channels ** -0.5), k, false, true));
    const mixed = tf.reshape(tf.matMul(weights, v), [batch * tokens, channels]) as tf.Tensor2D;
    return tf.add(x, tf.reshape(linear(mixed, params.to_out[0]), x.shape));
  });
}

/** The middle of either half: block, attention (if the VAE has one), block. */
export function middle(x: tf.Tensor4D, params: MidParams, groups: number): tf.Tensor4D {
  return tf.tidy(() => {
    const first = resnetBlock(x, params.resnets[0], groups);
    const attended = params.attentions ? attention(first, params.attentions[0], groups) : first;
    return resnetBlock(attended, params.resnets[1], groups);
  });
}
