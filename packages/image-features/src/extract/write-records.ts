/** Encodes the images of a data set batch by batch and appends them to a cache; one batch is decoded while another is encoded. */
import { setImmediate } from 'node:timers/promises';
import type { Decoded } from '@ahpa/image-data';
import { countRemarks } from '@ahpa/image-data';
import type { CacheWriter, Chunk, Dropped } from '@ahpa/latent-cache';
import { type Reporter, rateFormat, type Stretch } from '@ahpa/messages';
import { fromFloat32, type TensorEntry } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { assertFewBad, type BadImageOptions, badImages } from '../bad-images.ts';
import type { FeatureEncoder } from '../feature-encoder.ts';
import type { FeatureRequest } from '../feature-request.ts';
import { assertFiniteFeatures, bytesOf, type FeatureFields } from '../finite-features.ts';
import { imageBatch, padBatch } from '../image-batch.ts';
import type { ImageDataset } from '../image-dataset.ts';

/** Batch and pixels of the records, and bounds on bad images. */
export interface RecordOptions extends BadImageOptions {
  readonly request: FeatureRequest;
  /** Images encoded together. */
  readonly batch: number;
  /** Whether the pixels are kept too. */
  readonly pixels: boolean;
  /** Ends the writing, with its reason, before the next batch. */
  readonly signal?: AbortSignal;
  /** Announces each batch. */
  readonly stretch: Stretch;
}

/** Images of consecutive rows, as far as they could be decoded. */
interface Read {
  readonly rows: readonly number[];
  readonly images: readonly PromiseSettledResult<Decoded>[];
}

/** Writes all records that a cache lacks; resolves to the count of each remark about the images. */
export async function writeRecords(
  writer: CacheWriter,
  encoder: FeatureEncoder,
  images: ImageDataset,
  options: RecordOptions,
  reporter: Reporter,
): Promise<Record<string, number>> {
  const { batch, signal, stretch } = options;
  const items = images.names.length;
  const remarks: Record<string, number> = {};
  const readFrom = async (from: number): Promise<Read> => {
    const rows = Array.from({ length: Math.min(batch, items - from) }, (_, i) => from + i);
    return { rows, images: await Promise.allSettled(rows.map((row) => images.image(row))) };
  };
  const bar = reporter.progress('encoding', items, rateFormat('img'));
  let next = readFrom(writer.position());
  for (let from = writer.position(); from < items; from += batch) {
    await setImmediate(); // signals are handled, threads are answered
    signal?.throwIfAborted();
    const read = await next;
    next = readFrom(Math.min(from + batch, items)); // decoded while this batch is encoded
    const dropped = badImages(read.images, read.rows, images);
    const counted = options.strict ? dropped : [...writer.dropped(), ...dropped];
    assertFewBad(counted, images, from + read.rows.length, options);
    for (const one of read.images) if (one.status === 'fulfilled') countRemarks(remarks, one.value.remarks);
    await writer.append(await stretch('A batch', () => encodeChunk(read, dropped, encoder, images, options)));
    bar.update(from + read.images.length, undefined);
  }
  await next;
  bar.stop();
  return remarks;
}

function encodeChunk(
  { rows: all, images }: Read,
  dropped: readonly Dropped[],
  encoder: FeatureEncoder,
  { path, names, labels, size }: ImageDataset,
  { request, batch, pixels }: RecordOptions,
): Chunk {
  const good = images.flatMap((one, i) =>
    one.status === 'fulfilled' ? [{ row: all[i] as number, pixels: one.value.pixels }] : [],
  );
  const rows = good.map(({ row }) => row);
  const until = (all.at(-1) as number) + 1;
  if (good.length === 0) return { rows, until, dropped, data: {} };
  const squares = good.map((one) => one.pixels);
  const fields = encodedFields(encoder, imageBatch(padBatch(squares, batch), size), rows.length, request);
  const named = rows.map((row) => names[row] as string);
  assertFiniteFeatures(fields, named, path);
  const data: Record<string, Uint8Array> = {
    label: bytesOf(Int32Array.from(rows, (row) => labels[row] as number)),
    ...Object.fromEntries(Object.entries(fields).map(([name, values]) => [name, values.data])),
    ...(pixels && { pixels: Buffer.concat(squares) }),
  };
  return { rows, until, dropped, data };
}

/** Latents and tokens of the first `count` images of `x`, which is disposed. */
function encodedFields(
  encoder: FeatureEncoder,
  x: tf.Tensor4D,
  count: number,
  { groups, hierarchy }: FeatureRequest,
): FeatureFields {
  const { mean, std, tokens } = encoder.encode(x);
  const values = (tensor: tf.Tensor): Float32Array =>
    (tensor.dataSync() as Float32Array).subarray(0, (tensor.size / x.shape[0]) * count);
  const entry = (tensor: tf.Tensor, dtype: 'F32' | 'F16'): TensorEntry => {
    const wide = values(tensor);
    return fromFloat32(wide, [wide.length], dtype);
  };
  const dtype = hierarchy.dtype === 'float16' ? 'F16' : 'F32';
  const fields = {
    'latent.mean': entry(mean, 'F32'),
    'latent.std': entry(std, 'F32'),
    ...Object.fromEntries(
      groups.map(({ name }, g) => [`tokens.${name}`, entry(tokens[g] as tf.Tensor, dtype)]),
    ),
  };
  tf.dispose([x, mean, std, tokens]);
  return fields;
}
