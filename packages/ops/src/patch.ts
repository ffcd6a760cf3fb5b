/** Conversions between latents and tokens. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Cuts latents into patches, row-major, channel slowest inside a token (the order of a PyTorch convolution weight).
 * [B, h, w, C] -> [B, T, C*p*p].
 */
export function patchify(x: tf.Tensor4D, patchSize: number): tf.Tensor3D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const [rows, columns] = [height / patchSize, width / patchSize];
    const cut = tf.reshape(x, [batch, rows, patchSize, columns, patchSize, channels]);
    const ordered = tf.transpose(cut, [0, 1, 3, 5, 2, 4]); // [B, rows, columns, C, p, p]
    return tf.reshape(ordered, [batch, rows * columns, channels * patchSize * patchSize]);
  });
}

/** Latents from the tokens of a square grid, channel fastest inside a token (SiT). [B, T, p*p*C] -> [B, h, w, C]. */
export function unpatchify(tokens: tf.Tensor3D, patchSize: number): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, count, width] = tokens.shape;
    const grid = Math.sqrt(count);
    const channels = width / (patchSize * patchSize);
    const cut = tf.reshape(tokens, [batch, grid, grid, patchSize, patchSize, channels]);
    const ordered = tf.transpose(cut, [0, 1, 3, 2, 4, 5]); // [B, grid, p, grid, p, C]
    return tf.reshape(ordered, [batch, grid * patchSize, grid * patchSize, channels]);
  });
}
