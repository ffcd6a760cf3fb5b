/** `ahpa extract`: opens images and VAE, extracts, reports what was unusual, verifies. */
import { createEngine, type Engine } from '@ahpa/engine';
import { squeezeNetTokens } from '@ahpa/evaluation';
import { squeezeNetParams } from '@ahpa/evaluation/node';
import { describeRemarks, describeSource } from '@ahpa/image-data';
import {
  type Extracted,
  type ExtractOptions,
  extract,
  type ImageDataset,
  openImageDataset,
  readVae,
  vaeParams,
  writeTeacher,
} from '@ahpa/image-features';
import { type CacheIndex, readIndex, totalBytes, verifyCache } from '@ahpa/latent-cache';
import { type Reporter, userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/types.ts';
import { defaultCacheDir } from '../files/cache-folder.ts';
import { resolveShapes } from '../models/shapes.ts';
import { untilAbort } from '../sampling/sample-images.ts';
import type { Interrupt } from './interrupt.ts';

/** Options of the command. */
export interface ExtractRequest extends ExtractOptions {
  readonly source?: string | undefined;
  readonly within?: string;
  readonly labels?: string;
  readonly size?: number;
  readonly verify?: boolean;
  readonly threads: number;
  /** Whether training follows in this process: the threads of TensorFlow's operations are then training's, fewer than suit a VAE alone. */
  readonly trainsNext?: boolean;
  /** Network whose features are written beside the cache. */
  readonly teacher?: 'squeezenet';
}

/** Result of the command. */
export interface ExtractSummary extends Pick<CacheIndex, 'count' | 'dropped'> {
  readonly cache: string;
  readonly bytes: number;
  readonly remarks: Extracted['remarks'];
  readonly verified: boolean;
}

/** The most bad images that are named one by one. */
const NAMED = 20;

/** Extracts, or only verifies where no source is named and the cache is finished; resolves to undefined after an interrupt. */
export async function runExtract(
  config: TrainConfig,
  request: ExtractRequest,
  reporter: Reporter,
  listen: () => Interrupt,
): Promise<ExtractSummary | undefined> {
  const finished = request.source === undefined && request.verify ? await readIndex(request.out) : undefined;
  const made = finished
    ? { index: finished, remarks: {} }
    : await extractImages(config, request, reporter, listen);
  if (made === undefined) return undefined;
  const { index, remarks } = made;
  for (const sentence of describeRemarks(remarks)) reporter.say(sentence);
  for (const { name, reason } of index.dropped.slice(0, NAMED)) reporter.warn(`Left out ${name}: ${reason}.`);
  const more = index.dropped.length - NAMED;
  if (more > 0) reporter.warn(`Left out ${more} more; ${request.out}/index.json lists them.`);
  if (request.verify) await verify(request.out, reporter);
  return {
    cache: request.out,
    count: index.count,
    dropped: index.dropped,
    bytes: totalBytes(index),
    remarks,
    verified: request.verify === true,
  };
}

/** The result in sentences. */
export const describeExtract = ({ cache, count, bytes, verified }: ExtractSummary): string[] => [
  ...(verified ? [`Every file of ${cache} has the SHA-256 that its index says.`] : []),
  `${cache} holds ${count} images in ${(bytes / 1e6).toFixed(1)} MB.`,
];

async function openSource({ data }: TrainConfig, request: ExtractRequest): Promise<ImageDataset> {
  const named = data.kind === 'images' ? data : undefined;
  const path = request.source ?? named?.path;
  if (path === undefined)
    throw userError('There is no source of images: name one, or a configuration whose data.kind is images.');
  const within = request.within ?? (request.source === undefined ? named?.within : undefined);
  const labels = request.labels ?? named?.labels;
  const size = request.size ?? ('size' in data ? data.size : undefined);
  if (size === undefined) throw userError('The size of the images is not said: name it with --size.');
  return openImageDataset(path, { size, within, labels, threads: request.threads });
}

async function extractImages(
  config: TrainConfig,
  options: ExtractRequest,
  reporter: Reporter,
  listen: () => Interrupt,
): Promise<Extracted | undefined> {
  const files = await readVae(config.vae, reporter);
  const engine = await createEngine({ ...config.train, wideOperations: !options.trainsNext });
  const images = await openSource(config, options);
  for (const sentence of describeSource(images)) reporter.say(sentence);
  const vae = engine.model(vaeParams(files));
  const interrupt = listen();
  const { signal, stretch } = interrupt;
  try {
    const { request } = resolveShapes(config, files.config, images);
    return await untilAbort(signal, async () => {
      const made = await extract(images, { files, vae, request }, { ...options, signal, stretch }, reporter);
      if (options.teacher !== undefined)
        await extractTeacher(options.out, made.index, images, request.grid, engine, reporter, interrupt);
      return made;
    });
  } finally {
    interrupt.release();
    vae.dispose();
    await images.close();
  }
}

const SQUEEZENET_WIDTH = 512;

/** Writes SqueezeNet's tokens `[records, grid * grid, 512]` beside a cache. */
async function extractTeacher(
  cache: string,
  index: CacheIndex,
  images: ImageDataset,
  grid: number,
  engine: Engine,
  reporter: Reporter,
  interrupt: Interrupt,
): Promise<void> {
  const model = engine.model((await squeezeNetParams(defaultCacheDir(), reporter)).params);
  const run = model.map((params, x: tf.Tensor4D) => ({
    tokens: squeezeNetTokens(params, tf.mul(tf.add(x, 1), 127.5), grid),
  }));
  const network = {
    name: 'squeezenet',
    shape: [grid * grid, SQUEEZENET_WIDTH],
    tokens: (x: tf.Tensor4D) => run(x).tokens,
  } as const;
  const path = await writeTeacher(cache, index, images, network, reporter, interrupt).finally(model.dispose);
  reporter.say(`Train with --set alignment.teacher.kind=file --set alignment.teacher.path=${path}.`);
}

async function verify(folder: string, reporter: Reporter): Promise<void> {
  const index = await readIndex(folder);
  const bar = reporter.progress('verifying', Math.round((index ? totalBytes(index) : 0) / 1e6));
  const problems = await verifyCache(folder, (done) => bar.update(Math.round(done / 1e6), undefined));
  bar.stop();
  if (problems.length > 0) throw userError(`${problems.join('; ')}: remove the folder and extract again.`);
}
