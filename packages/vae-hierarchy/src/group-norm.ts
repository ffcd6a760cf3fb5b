/** Group normalization of NHWC maps, alone and followed by SiLU, with closed-form gradients in few passes over the map. */
import { fuse } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { NormParams } from './params.ts';

/** Of the AutoencoderKL. */
const EPSILON = 1e-6;

/** Per-channel `[B, 1, C]` forms of the group statistics, so that the map is only touched by multiply and add. */
interface Statistics {
  readonly mean: tf.Tensor3D;
  readonly rstd: tf.Tensor3D;
}

/** `[B, G]` -> `[B, 1, C]`, each channel given the value of its group. */
function spread(perGroup: tf.Tensor, channels: number): tf.Tensor3D {
  const [batch, groups] = perGroup.shape as [number, number];
  const size = channels / groups;
  const tiled = tf.tile(tf.reshape(perGroup, [batch, groups, 1]), [1, 1, size]);
  return tf.reshape(tiled, [batch, 1, channels]);
}

/** `[B, C]` -> `[B, 1, C]`, each channel replaced by the mean over its group. */
function groupMean(perChannel: tf.Tensor2D, groups: number): tf.Tensor3D {
  const [batch, channels] = perChannel.shape;
  return spread(tf.mean(tf.reshape(perChannel, [batch, groups, channels / groups]), 2), channels);
}

/** `[B, T, C]` -> `[B, 1, C]`, each channel given the mean over its group. Neighbours first: that is one quick pass. */
function mapMean(x: tf.Tensor3D, groups: number): tf.Tensor3D {
  const [batch, positions, channels] = x.shape;
  const neighbours = tf.mean(tf.reshape(x, [batch, positions, groups, channels / groups]), 3);
  return spread(tf.mean(neighbours, 1), channels);
}

function statistics(x: tf.Tensor3D, groups: number, epsilon: number): Statistics {
  const mean = mapMean(x, groups);
  const variance = mapMean(tf.squaredDifference(x, mean), groups);
  return { mean, rstd: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** `(x - mean) * rstd * weight + bias` as one multiply and one add. */
function normalize(
  x: tf.Tensor3D,
  { mean, rstd }: Statistics,
  weight: tf.Tensor,
  bias: tf.Tensor,
): tf.Tensor3D {
  const scale = tf.mul(rstd, weight);
  return tf.add(tf.mul(x, scale), tf.sub(bias, tf.mul(mean, scale)));
}

/** The map normalized, and the statistics it was normalized by. */
function normalizeMap(
  groups: number,
  epsilon: number,
): (
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
) => [value: tf.Tensor, mean: tf.Tensor, rstd: tf.Tensor] {
  return (x, weight, bias) => {
    const stats = statistics(x as tf.Tensor3D, groups, epsilon);
    return [normalize(x as tf.Tensor3D, stats, weight, bias), stats.mean, stats.rstd];
  };
}

interface Gradients {
  readonly x: tf.Tensor3D;
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/**
 * With `n = (x - mean) rstd` and `g = dy weight`: `dx = rstd (g - E[g] - n E[n g])`, E over a group, arranged as
 * `dy a + x b + c` with per-channel a, b, c.
 */
function normGradients(
  dy: tf.Tensor3D,
  x: tf.Tensor3D,
  { mean, rstd }: Statistics,
  weight: tf.Tensor,
  groups: number,
): Gradients {
  const [batch, positions, channels] = x.shape;
  const sumDy = tf.sum(dy, 1, true) as tf.Tensor3D;
  const sumDyX = tf.sum(tf.mul(dy, x), 1, true) as tf.Tensor3D;
  const sumDyN = tf.mul(tf.sub(sumDyX, tf.mul(mean, sumDy)), rstd);
  const average = (sums: tf.Tensor): tf.Tensor3D =>
    groupMean(tf.div(tf.reshape(tf.mul(sums, weight), [batch, channels]), positions), groups);
  const b = tf.mul(tf.square(rstd), tf.neg(average(sumDyN)));
  const c = tf.neg(tf.add(tf.mul(b, mean), tf.mul(rstd, average(sumDy))));
  return {
    x: tf.add(tf.add(tf.mul(dy, tf.mul(rstd, weight)), tf.mul(x, b)), c),
    weight: tf.reshape(tf.sum(sumDyN, 0), [channels]),
    bias: tf.reshape(tf.sum(sumDy, 0), [channels]),
  };
}

type Saved = [x: tf.Tensor3D, weight: tf.Tensor1D, mean: tf.Tensor3D, rstd: tf.Tensor3D];
type Saver = (tensors: tf.Tensor[]) => void;

function flatten(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, height, width, channels] = x.shape;
  return tf.reshape(x, [batch, height * width, channels]);
}

/** Group normalization over `[H, W, C/groups]`: `[B, H, W, C]` -> `[B, H, W, C]`. */
export function groupNorm(
  x: tf.Tensor4D,
  params: NormParams,
  groups: number,
  epsilon: number = EPSILON,
): tf.Tensor4D {
  const normed = tf.customGrad((...args) => {
    const [map, weight, bias] = args as unknown as [tf.Tensor3D, tf.Tensor1D, tf.Tensor1D];
    const save = args[3] as unknown as Saver;
    const [value, mean, rstd] = fuse(normalizeMap(groups, epsilon), [map, weight, bias]);
    save([map, weight, mean, rstd]);
    return {
      value: value as tf.Tensor3D,
      gradFunc: (dy, saved) => {
        const [x, w, mean, rstd] = saved as Saved;
        const gradients = normGradients(dy as tf.Tensor3D, x, { mean, rstd }, w, groups);
        return [gradients.x, gradients.weight, gradients.bias];
      },
    };
  });
  return tf.tidy(() => tf.reshape(normed(flatten(x), params.weight, params.bias), x.shape));
}

/** The gradient of the normalized map from that of its SiLU. */
function siluGradient(
  ...[dy, x, weight, bias, mean, rstd]: [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
): [tf.Tensor] {
  const stats = { mean: mean as tf.Tensor3D, rstd: rstd as tf.Tensor3D };
  const normed = normalize(x as tf.Tensor3D, stats, weight, bias);
  const gate = tf.sigmoid(normed);
  return [tf.mul(dy, tf.add(gate, tf.mul(tf.mul(normed, gate), tf.sub(1, gate))))];
}

/** Group normalization, then SiLU: `[B, H, W, C]` -> `[B, H, W, C]`. */
export function groupNormSilu(x: tf.Tensor4D, params: NormParams, groups: number): tf.Tensor4D {
  const activated = tf.customGrad((...args) => {
    const [map, weight, bias] = args as unknown as [tf.Tensor3D, tf.Tensor1D, tf.Tensor1D];
    const save = args[3] as unknown as Saver;
    const activate = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor[] => {
      const [normed, ...stats] = normalizeMap(groups, EPSILON)(x, w, b);
      return [tf.mul(normed, tf.sigmoid(normed)), ...stats];
    };
    const [value, mean, rstd] = fuse(activate, [map, weight, bias]) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    save([map, weight, bias, mean, rstd]);
    return {
      value,
      gradFunc: (dy, saved) => {
        const [x, w, b, mean, rstd] = saved as [
          tf.Tensor3D,
          tf.Tensor1D,
          tf.Tensor1D,
          tf.Tensor3D,
          tf.Tensor3D,
        ];
        const [upstream] = fuse(siluGradient, [dy, x, w, b, mean, rstd]);
        const gradients = normGradients(upstream as tf.Tensor3D, x, { mean, rstd }, w, groups);
        return [gradients.x, gradients.weight, gradients.bias];
      },
    };
  });
  return tf.tidy(() => tf.reshape(activated(flatten(x), params.weight, params.bias), x.shape));
}
