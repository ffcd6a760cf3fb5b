/** Embeddings of time, class and position. */
import { linear, oneHot, silu } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { DiTParams } from './params.ts';

/** Width of the sinusoid that the time MLP reads. */
export const TIME_FEATURES = 256;

/** Sinusoidal features of t in [0, 1] (not scaled by 1000), cosines first: [B] -> [B, width]; width is even. */
export function timestepEmbedding(t: tf.Tensor1D, width: number): tf.Tensor2D {
  return tf.tidy(() => {
    const half = width / 2;
    const frequencies = Float32Array.from({ length: half }, (_, k) =>
      Math.exp((-Math.log(10000) * k) / half),
    );
    const angles = tf.mul(tf.reshape(t, [t.size, 1]), tf.tensor2d(frequencies, [1, half]));
    return tf.concat([tf.cos(angles), tf.sin(angles)], 1) as tf.Tensor2D;
  });
}

/** The vector that modulates every block, time plus class: t [B], y int32 [B] -> [B, D]. */
export function embedCondition(
  params: Pick<DiTParams, 't_embedder' | 'y_embedder'>,
  t: tf.Tensor1D,
  y: tf.Tensor1D,
): tf.Tensor2D {
  return tf.tidy(() => {
    const { mlp } = params.t_embedder;
    const time = linear(silu(linear(timestepEmbedding(t, TIME_FEATURES), mlp[0])), mlp[2]);
    const table = params.y_embedder.embedding_table.weight;
    // A product with one-hot rows is an exact look-up, and its gradient reads no labels on the host.
    const label = tf.matMul(oneHot(y, table.shape[0]), table);
    return tf.add(time, label);
  });
}

/**
 * Fixed 2-D sine-cosine positions of MAE: [grid * grid, width], row-major tokens. The first half of a row encodes the
 * column, the second the row, each as sines then cosines of width / 4 frequencies.
 */
export function positionEmbedding(grid: number, width: number): tf.Tensor2D {
  return tf.tensor2d(positionTable(grid, width), [grid * grid, width]);
}

/** The numbers of `positionEmbedding`, the bytes of `pos_embed` in published files. */
export function positionTable(grid: number, width: number): Float32Array {
  const quarter = width / 4;
  const values = new Float32Array(grid * grid * width);
  for (let token = 0; token < grid * grid; token++) {
    const coordinates = [token % grid, Math.floor(token / grid)];
    coordinates.forEach((coordinate, half) => {
      const start = token * width + half * 2 * quarter;
      for (let k = 0; k < quarter; k++) {
        const angle = coordinate * (1 / 10000 ** (k / quarter)); // in NumPy's order, to the last bit
        values[start + k] = Math.sin(angle);
        values[start + quarter + k] = Math.cos(angle);
      }
    });
  }
  return values;
}
