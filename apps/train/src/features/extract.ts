/**
 * Images to a cache of features, continued where it was stopped.
 * plan, or the plan that is there -> statistics, fitted, kept or another cache's -> size against the disk -> batches -> index.
 */

import { mkdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Model } from '@ahpa/engine';
import { takeLock } from '@ahpa/file-lock';
import { countRemarks } from '@ahpa/image-data';
import {
  type CacheIndex,
  type CacheWriter,
  type Chunk,
  cachePlan,
  type Dropped,
  differences,
  type Field,
  openWriter,
  plannedBytes,
  readAttachment,
  readIndex,
  readPlan,
} from '@ahpa/latent-cache';
import { userError } from '@ahpa/messages';
import { fromFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import type { Reporter } from '../report.ts';
import type { VaeFiles, VaeTree } from '../vae/load.ts';
import { duration } from '../visual/progress-line.ts';
import { type FeatureEncoder, featureEncoder } from './encoder.ts';
import { fitNorms, needsFit, padded } from './fit.ts';
import { decodeNorms, encodeNorms, type FittedNorms, STATISTICS_FILE } from './norms.ts';
import { type Picture, type Pictures, pictureList, pictureTensor } from './pictures.ts';
import { type FeatureRequest, groupShapes, latentShape, recipeOf } from './request.ts';

/** The list of images beside a cache. */
export const IMAGES_FILE = 'images.tsv';

/** Where to and how. */
export interface ExtractOptions {
  readonly out: string;
  /** A cache whose statistics are taken over. */
  readonly like?: string | undefined;
  /** Whether the pixels are kept too. */
  readonly pixels: boolean;
  /** Whether a bad image is an error. */
  readonly strict: boolean;
  /** Images encoded together; chosen by their size unless given. */
  readonly batch?: number | undefined;
  /** Records of a shard. */
  readonly shardRecords?: number | undefined;
}

/** A finished cache, and what was unusual among the images of this session. */
export interface Extracted {
  readonly index: CacheIndex;
  readonly remarks: Readonly<Record<string, number>>;
}

const LOCK_FILE = 'writer.lock';
const SHARD_RECORDS = 8192;
/** Pixels encoded together. */
const BATCH_PIXELS = 32 * 64 * 64;
/** Free space that is left alone. */
const SPARE_BYTES = 64 << 20;

/** Writes the cache of `pictures`, or the rest of it. */
export async function extract(
  pictures: Pictures,
  files: VaeFiles,
  vae: Model<VaeTree>,
  request: FeatureRequest,
  options: ExtractOptions,
  reporter: Reporter,
): Promise<Extracted> {
  const recipe = { ...recipeOf(files, request), images: { sha256: pictures.sha256 } };
  const finished = await readIndex(options.out);
  if (finished) {
    const wanted = { recipe, fields: byName(fieldsOf(files, request, options)) };
    const [difference] = differences({ ...finished, fields: byName(finished.fields) }, wanted);
    if (difference === undefined) return { index: finished, remarks: {} };
    throw userError(
      `${options.out} was made otherwise: its ${difference}; choose another folder or remove this one.`,
    );
  }
  await mkdir(options.out, { recursive: true });
  const lock = await takeLock(join(options.out, LOCK_FILE), reporter.say);
  const batch = options.batch ?? Math.min(Math.max(Math.round(BATCH_PIXELS / pictures.size ** 2), 1), 64);
  return extractAlone(pictures, files, vae, request, { ...options, batch }, recipe, reporter).finally(
    lock.release,
  );
}

async function extractAlone(
  pictures: Pictures,
  files: VaeFiles,
  vae: Model<VaeTree>,
  request: FeatureRequest,
  options: ExtractOptions & { readonly batch: number },
  recipe: Readonly<Record<string, unknown>>,
  reporter: Reporter,
): Promise<Extracted> {
  const norms = await normsOf(pictures, files, vae, request, options, reporter);
  const attachments = {
    [IMAGES_FILE]: pictureList(pictures),
    ...(norms === undefined ? {} : { [STATISTICS_FILE]: encodeNorms(norms) }),
  };
  const plan = cachePlan(
    {
      items: pictures.names.length,
      fields: fieldsOf(files, request, options),
      shardRecords: options.shardRecords ?? SHARD_RECORDS,
      classes: pictures.classes,
      recipe,
    },
    attachments,
  );
  const writer = await openWriter(options.out, plan, attachments);
  const encoder = featureEncoder(vae, files.config, request, norms ?? {});
  try {
    await announce(options.out, plan, writer.position(), reporter);
    const remarks = await writeAll(writer, encoder, pictures, request, options, reporter);
    return { index: await writer.finish(), remarks };
  } catch (error) {
    await writer.close();
    throw error;
  } finally {
    encoder.dispose();
  }
}

const byName = (fields: readonly Field[]): Record<string, Field> =>
  Object.fromEntries(fields.map((field) => [field.name, field]));

/** Every field of a record. */
function fieldsOf(files: VaeFiles, request: FeatureRequest, { pixels }: ExtractOptions): Field[] {
  const { size, grid, hierarchy } = request;
  const latent = latentShape(files.config, size);
  const dtype = hierarchy.dtype === 'float16' ? 'F16' : 'F32';
  return [
    { name: 'label', dtype: 'I32', shape: [] },
    { name: 'latent.mean', dtype: 'F32', shape: latent },
    { name: 'latent.std', dtype: 'F32', shape: latent },
    ...groupShapes(files.config, request).map(
      ({ name, width }): Field => ({ name: `tokens.${name}`, dtype, shape: [grid * grid, width] }),
    ),
    ...(pixels ? [{ name: 'pixels', dtype: 'U8', shape: [size, size, 3] } as const] : []),
  ];
}

/** The numbers of the normalisation: those of the cache that was begun here, those of another one, or fitted ones. */
async function normsOf(
  pictures: Pictures,
  files: VaeFiles,
  vae: Model<VaeTree>,
  request: FeatureRequest,
  { out, like, batch }: ExtractOptions & { readonly batch: number },
  reporter: Reporter,
): Promise<FittedNorms | undefined> {
  if (!needsFit(request)) return undefined;
  const begun = await readPlan(out);
  const from = begun ? out : like;
  if (from !== undefined) return cachedNorms(from, files, request);
  const raw = featureEncoder(vae, files.config, request);
  const total = Math.min(request.hierarchy.calibration, pictures.names.length);
  const bar = reporter.progress('fitting statistics', total);
  return fitNorms(raw, pictures, files.config, request, batch, (done) => bar.update(done, undefined)).finally(
    () => {
      bar.stop();
      raw.dispose();
    },
  );
}

/** The numbers beside a cache that serves the same request. */
async function cachedNorms(folder: string, files: VaeFiles, request: FeatureRequest): Promise<FittedNorms> {
  const plan = await readPlan(folder);
  if (!plan) throw userError(`${folder} holds no cache whose statistics could be used.`);
  const [difference] = differences(plan.recipe, recipeOf(files, request));
  if (difference !== undefined) throw userError(`${folder} was made otherwise: its ${difference}.`);
  return decodeNorms(await readAttachment(folder, plan, STATISTICS_FILE), join(folder, STATISTICS_FILE));
}

/** Says how large the cache becomes, and stops where the disk has no room for it. */
async function announce(
  out: string,
  plan: Parameters<typeof plannedBytes>[0],
  position: number,
  reporter: Reporter,
): Promise<void> {
  const bytes = plannedBytes(plan);
  const left = bytes * (1 - position / Math.max(plan.items, 1));
  const { bavail, bsize } = await statfs(out).catch(() => statfs(dirname(out)));
  const free = bavail * bsize;
  const megabytes = (count: number): string => `${(count / 1e6).toFixed(1)} MB`;
  const perImage = `${(bytes / Math.max(plan.items, 1) / 1e3).toFixed(1)} kB an image`;
  reporter.say(
    position > 0
      ? `Continuing ${out} after ${position} of ${plan.items} images, ${megabytes(left)} to go.`
      : `${out} will hold ${plan.items} images in ${megabytes(bytes)}, ${perImage}; ${megabytes(free)} are free.`,
  );
  if (left + SPARE_BYTES > free)
    throw userError(
      `${out} needs ${megabytes(left)} more and the disk has ${megabytes(free)}: free some space, or choose fewer groups, fewer components or another folder.`,
    );
}

type Read = PromiseSettledResult<Picture>[];

async function writeAll(
  writer: CacheWriter,
  encoder: FeatureEncoder,
  pictures: Pictures,
  request: FeatureRequest,
  { batch, pixels, strict }: ExtractOptions & { readonly batch: number },
  reporter: Reporter,
): Promise<Record<string, number>> {
  const items = pictures.names.length;
  const remarks: Record<string, number> = {};
  const readFrom = (from: number): Promise<Read> =>
    Promise.allSettled(
      Array.from({ length: Math.min(batch, items - from) }, (_, i) => pictures.picture(from + i)),
    );
  const bar = reporter.progress('encoding', items, ({ value, total, perSecond, secondsLeft }) => {
    const rate = Number.isFinite(perSecond)
      ? `  ${perSecond.toFixed(1)} img/s  ETA ${duration(secondsLeft)}`
      : '';
    return `${value}/${total}${rate}`;
  });
  let next = readFrom(writer.position());
  for (let from = writer.position(); from < items; from += batch) {
    await setImmediate(); // signals are heard, threads are answered
    const read = await next;
    next = readFrom(Math.min(from + batch, items)); // decoded while this batch is encoded
    const dropped = droppedOf(read, from, pictures, strict);
    for (const one of read) if (one.status === 'fulfilled') countRemarks(remarks, one.value.remarks);
    await writer.append(chunkOf(read, from, dropped, encoder, pictures, request, batch, pixels));
    bar.update(from + read.length, undefined);
  }
  await next;
  bar.stop();
  return remarks;
}

function droppedOf(read: Read, from: number, { names, path }: Pictures, strict: boolean): Dropped[] {
  const dropped = read.flatMap((one, i): Dropped[] => {
    if (one.status === 'fulfilled') return [];
    const reason = String((one.reason as Error).message ?? one.reason).trim();
    return [{ row: from + i, name: names[from + i] as string, reason }];
  });
  const [first] = dropped;
  if (strict && first)
    throw userError(
      `${path}: ${first.name} is bad (${first.reason}): mend or remove it, or leave --strict out.`,
    );
  return dropped;
}

function chunkOf(
  read: Read,
  from: number,
  dropped: readonly Dropped[],
  encoder: FeatureEncoder,
  { labels, size }: Pictures,
  { groups, hierarchy }: FeatureRequest,
  batch: number,
  pixels: boolean,
): Chunk {
  const good = read.flatMap((one, i) =>
    one.status === 'fulfilled' ? [{ row: from + i, pixels: one.value.pixels }] : [],
  );
  const rows = good.map(({ row }) => row);
  const until = from + read.length;
  if (good.length === 0) return { rows, until, dropped, data: {} };
  const images = good.map((one) => one.pixels);
  const data: Record<string, Uint8Array> = {
    label: bytesOf(Int32Array.from(rows, (row) => labels[row] as number)),
  };
  tf.tidy(() => {
    const { mean, std, tokens } = encoder.encode(pictureTensor(padded(images, batch), size));
    const values = (tensor: tf.Tensor): Float32Array =>
      (tensor.dataSync() as Float32Array).subarray(0, (tensor.size / batch) * rows.length);
    data['latent.mean'] = bytesOf(values(mean));
    data['latent.std'] = bytesOf(values(std));
    groups.forEach(({ name }, g) => {
      const wide = values(tokens[g] as tf.Tensor);
      data[`tokens.${name}`] =
        hierarchy.dtype === 'float16' ? fromFloat32(wide, [wide.length], 'F16').data : bytesOf(wide);
    });
  });
  if (pixels) data['pixels'] = Buffer.concat(images);
  return { rows, until, dropped, data };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
