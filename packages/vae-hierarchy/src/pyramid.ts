/** Tokens on one grid from feature maps of several sizes. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Reduction of the box of a map under one token: average; average and standard deviation; maximum; or all its values, row by
 * row (space to depth, to be reduced by a PCA).
 */
export type Resize = 'average' | 'average+std' | 'max' | 'unshuffle';

type Pool = (level: tf.Tensor4D, box: readonly [number, number]) => tf.Tensor4D;

/** `[B, h, w, C]` -> `[B, rows, columns, box height * box width, C]`. */
function boxes(level: tf.Tensor4D, [height, width]: readonly [number, number]): tf.Tensor5D {
  const [batch, rows, columns, channels] = level.shape;
  const [down, across] = [rows / height, columns / width];
  const split = tf.reshape(level, [batch * down, height, across, width * channels]);
  const grouped = tf.transpose(split, [0, 2, 1, 3]);
  return tf.reshape(grouped, [batch, down, across, height * width, channels]);
}

const POOLS: Readonly<Record<Resize, Pool>> = {
  average: (level, box) =>
    box[0] === 1 && box[1] === 1 ? level : tf.avgPool(level, [...box], [...box], 'valid'),
  max: (level, box) => tf.maxPool(level, [...box], [...box], 'valid'),
  'average+std': (level, box) => {
    const { mean, variance } = tf.moments(boxes(level, box), 3);
    return tf.concat([mean, tf.sqrt(variance)], 3) as tf.Tensor4D;
  },
  unshuffle: (level, box) => {
    const grouped = boxes(level, box);
    const [batch, rows, columns, positions, channels] = grouped.shape;
    return tf.reshape(grouped, [batch, rows, columns, positions * channels]);
  },
};

/** Weights `[1, grid, size]` of adaptive averaging: token i covers positions floor(i s/g) up to ceil((i+1) s/g). */
function adaptiveWeights(grid: number, size: number): tf.Tensor3D {
  const weights = new Float32Array(grid * size);
  for (let i = 0; i < grid; i++) {
    const begin = Math.floor((i * size) / grid);
    const end = Math.ceil(((i + 1) * size) / grid);
    weights.fill(1 / (end - begin), i * size + begin, i * size + end);
  }
  return tf.tensor3d(weights, [1, grid, size]);
}

/** Averages over boxes that overlap where the grid does not divide the map, with PyTorch's adaptive bounds. */
function adaptiveAverage(level: tf.Tensor4D, grid: number): tf.Tensor4D {
  const [batch, height, width, channels] = level.shape;
  const rows = tf.matMul(adaptiveWeights(grid, height), tf.reshape(level, [batch, height, width * channels]));
  const columns = tf.reshape(rows, [batch * grid, width, channels]);
  return tf.reshape(tf.matMul(adaptiveWeights(grid, width), columns), [batch, grid, grid, channels]);
}

function toGrid(level: tf.Tensor4D, grid: number, resize: Resize): tf.Tensor4D {
  const [, height, width] = level.shape;
  if (height % grid === 0 && width % grid === 0) return POOLS[resize](level, [height / grid, width / grid]);
  if (resize === 'average' && height >= grid && width >= grid) return adaptiveAverage(level, grid);
  throw new RangeError(
    `groupTokens: a map of ${height}x${width} does not divide into a ${grid}x${grid} grid; choose another grid, or "average" with one no finer than the map.`,
  );
}

/**
 * Tokens of one group of feature maps: each `[B, h, w, C]` is brought to the grid, then channels are concatenated ->
 * `[B, grid * grid, d]`, row by row. `d` is the sum of C; twice that for `average+std`; for `unshuffle` each C counts as often
 * as the map's boxes have positions. `average` is adaptive average pooling and takes any grid no finer than the map.
 * @throws RangeError where `resize` is unknown, or the grid does not divide a map
 */
export function groupTokens(levels: readonly tf.Tensor4D[], grid: number, resize: Resize): tf.Tensor3D {
  if (!Object.hasOwn(POOLS, resize)) {
    throw new RangeError(
      `groupTokens: resize is ${JSON.stringify(resize)}, wanted one of ${Object.keys(POOLS).join(', ')}.`,
    );
  }
  return tf.tidy(() => {
    const pooled = levels.map((level) => toGrid(level, grid, resize));
    const joined = pooled.length === 1 ? (pooled[0] as tf.Tensor4D) : tf.concat(pooled, 3);
    return tf.reshape(joined, [joined.shape[0], grid * grid, joined.shape[3]]);
  });
}

/** Channels that a map of `channels` and side `size` adds to the tokens of a `grid` that divides it. */
export function tokenChannels(channels: number, size: number, grid: number, resize: Resize): number {
  const factor = { average: 1, max: 1, 'average+std': 2, unshuffle: (size / grid) ** 2 }[resize];
  return channels * factor;
}
