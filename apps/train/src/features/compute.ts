/**
 * Encodes images once: posterior in diffusion units, and group tokens standardised per channel over these images.
 * mean = scaled mu; std = exp(logVar / 2) in the same units; tokens = (F - E F) / sd F with F the pooled, concatenated maps.
 */
import { setImmediate } from 'node:timers/promises';
import {
  addMoments,
  type ChannelMoments,
  channelStatistics,
  emptyMoments,
  encode,
  groupTokens,
  scaleLatent,
  standardize,
  type VaeConfig,
  vaeTaps,
} from '@ahpa/vae-hierarchy';
import { fromFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageSet } from '../data/emoji.ts';
import type { Model } from '../run/engine.ts';
import { imageBatch } from '../vae/images.ts';
import { type VaeTree, vaeStride } from '../vae/load.ts';
import type { FeatureRequest, Features, GroupTokens } from './features.ts';

const BATCH = 32;

/** Encoder outputs of one batch: latents `[B, h, w, C]`, tokens `[B, T, d]` for each group. */
type Encoded = { mean: tf.Tensor4D; std: tf.Tensor4D; tokens: tf.Tensor3D[] };

/** Encodes the images `rows` of a set; `onProgress` hears how many are done. */
export async function computeFeatures(
  vae: Model<VaeTree>,
  config: VaeConfig,
  set: ImageSet,
  rows: Int32Array,
  request: FeatureRequest,
  onProgress: (done: number) => void,
): Promise<Features> {
  const { groups, grid } = request;
  const side = set.size / vaeStride(config);
  const shape = [rows.length, side, side, config.latentChannels] as const;
  const [mean, std] = [newValues(shape), newValues(shape)];
  const widths = groups.map(({ taps }) => tapChannels(config, taps));
  const tokens = widths.map((width) => newValues([rows.length, grid * grid, width]));
  const moments = widths.map(emptyMoments);
  const encodeBatch = vae.bind((params, x: tf.Tensor4D) => encodeAll(params, x, config, request));
  for (let start = 0; start < rows.length; start += BATCH) {
    await setImmediate();
    const count = Math.min(BATCH, rows.length - start);
    const encoded = tf.tidy(() => read(encodeBatch(imageBatch(set, padded(rows, start)))));
    fill(mean, encoded.mean, start, count);
    fill(std, encoded.std, start, count);
    encoded.tokens.forEach((values, g) => {
      const added = fill(tokens[g] as Float32Array, values, start, count);
      moments[g] = addMoments(moments[g] as ChannelMoments, added);
    });
    onProgress(start + count);
  }
  const standardised = groups.map(
    ({ name }, g): GroupTokens => ({
      name,
      tokens: grid * grid,
      width: widths[g] as number,
      values: narrowed(tokens[g] as Float32Array, moments[g] as ChannelMoments, grid * grid),
    }),
  );
  return { shape, mean, std, groups: standardised };
}

function encodeAll(params: VaeTree, x: tf.Tensor4D, config: VaeConfig, request: FeatureRequest): Encoded {
  const taps = [...new Set(request.groups.flatMap((group) => group.taps))];
  const { posterior, levels } = encode(params, x, config, taps);
  const std = tf.exp(tf.mul(posterior.logVar, 0.5)) as tf.Tensor4D;
  const origin = scaleLatent(tf.zerosLike(std), config);
  return {
    mean: scaleLatent(posterior.mean, config),
    std: tf.sub(scaleLatent(std, config), origin),
    tokens: request.groups.map((group) =>
      groupTokens(
        group.taps.map((tap) => levels[tap] as tf.Tensor4D),
        request.grid,
        'average',
      ),
    ),
  };
}

/** Channels of a group: those of its taps together. */
function tapChannels(config: VaeConfig, taps: readonly string[]): number {
  const all = vaeTaps(config);
  return taps.reduce((sum, tap) => sum + (all.find(({ name }) => name === tap)?.channels ?? 0), 0);
}

const newValues = (shape: readonly number[]): Float32Array<ArrayBuffer> =>
  new Float32Array(shape.reduce((a, b) => a * b, 1));

/** A whole batch of rows from `start`: the last row fills up the last batch, so that all batches have one shape. */
const padded = (rows: Int32Array, start: number): Int32Array =>
  Int32Array.from({ length: BATCH }, (_, i) => rows[Math.min(start + i, rows.length - 1)] as number);

/** The values of a batch on the host. */
function read({
  mean,
  std,
  tokens,
}: Encoded): Record<'mean' | 'std', Float32Array> & { tokens: Float32Array[] } {
  const values = (tensor: tf.Tensor): Float32Array => tensor.dataSync() as Float32Array;
  return { mean: values(mean), std: values(std), tokens: tokens.map(values) };
}

/** Copies the first `count` items of a batch to their place and returns them. */
function fill(all: Float32Array, batch: Float32Array, start: number, count: number): Float32Array {
  const stride = batch.length / BATCH;
  const part = batch.subarray(0, count * stride);
  all.set(part, start * stride);
  return part;
}

function narrowed(values: Float32Array, moments: ChannelMoments, tokens: number): Uint16Array<ArrayBuffer> {
  const statistics = channelStatistics(moments);
  const result = new Uint16Array(values.length);
  const stride = BATCH * tokens * statistics.mean.length;
  for (let start = 0; start < values.length; start += stride) {
    const part = values.subarray(start, start + stride);
    const shape: [number, number, number] = [part.length / (stride / BATCH), tokens, statistics.mean.length];
    const standard = tf.tidy(() => standardize(tf.tensor3d(part, shape), statistics).dataSync());
    const { data } = fromFloat32(standard as Float32Array, shape, 'F16');
    result.set(new Uint16Array(data.buffer, data.byteOffset, standard.length), start);
  }
  return result;
}
