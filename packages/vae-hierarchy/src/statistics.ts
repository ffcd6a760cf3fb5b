/** Per-channel statistics over many batches of tokens, and standardisation by them. */
import * as tf from '@tensorflow/tfjs-core';

/** Per-channel mean and standard deviation, `[d]` each. */
export interface ChannelStatistics {
  readonly mean: Float32Array | tf.Tensor1D;
  readonly std: Float32Array | tf.Tensor1D;
}

/** Running sums over tokens, per channel, in double precision. */
export interface ChannelMoments {
  readonly count: number;
  readonly sum: Float64Array;
  readonly sumSquares: Float64Array;
}

/** A channel that never varies is divided by this. */
const SMALLEST_STD = 1e-6;

/** `(tokens - mean) / std` per channel: `[B, T, d]` -> `[B, T, d]`. */
export function standardize(tokens: tf.Tensor3D, { mean, std }: ChannelStatistics): tf.Tensor3D {
  return tf.tidy(() => tf.div(tf.sub(tokens, mean), std));
}

/** Sums over no tokens yet. */
export function emptyMoments(channels: number): ChannelMoments {
  return { count: 0, sum: new Float64Array(channels), sumSquares: new Float64Array(channels) };
}

/**
 * Adds the tokens in `values`, row-major `[..., d]`; the old sums stay as they are.
 * @throws RangeError where `values` are not whole tokens
 */
export function addMoments(moments: ChannelMoments, values: Float32Array): ChannelMoments {
  const sum = moments.sum.slice();
  const sumSquares = moments.sumSquares.slice();
  const channels = sum.length;
  if (values.length % channels !== 0) {
    throw new RangeError(`addMoments: ${values.length} values are not whole tokens of ${channels} channels.`);
  }
  for (let i = 0, channel = 0; i < values.length; i++, channel = channel + 1 === channels ? 0 : channel + 1) {
    const value = values[i] as number;
    sum[channel] = (sum[channel] as number) + value;
    sumSquares[channel] = (sumSquares[channel] as number) + value * value;
  }
  return { count: moments.count + values.length / channels, sum, sumSquares };
}

/**
 * Mean and (biased) standard deviation of all added tokens; a constant channel gets a standard deviation of 1e-6.
 * @throws RangeError where no tokens were added
 */
export function channelStatistics({ count, sum, sumSquares }: ChannelMoments): {
  readonly mean: Float32Array;
  readonly std: Float32Array;
} {
  if (count === 0) throw new RangeError('channelStatistics: no tokens were added, wanted at least one.');
  const mean = Float32Array.from(sum, (total) => total / count);
  const std = Float32Array.from(sumSquares, (total, channel) => {
    const variance = total / count - ((sum[channel] as number) / count) ** 2;
    return Math.max(Math.sqrt(Math.max(variance, 0)), SMALLEST_STD);
  });
  return { mean, std };
}
