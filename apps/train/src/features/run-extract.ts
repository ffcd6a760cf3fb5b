/** Everything around an extraction: opens images and VAE, extracts, says what was unusual, verifies. */
import { createEngine } from '@ahpa/engine';
import { describeRemarks, openImages } from '@ahpa/image-data';
import { type CacheIndex, readIndex, totalBytes, verifyCache } from '@ahpa/latent-cache';
import { userError } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { resolveShapes } from '../models/shapes.ts';
import type { Reporter } from '../report.ts';
import { readVae, vaeParams } from '../vae/load.ts';
import { type Extracted, type ExtractOptions, extract } from './extract.ts';
import { extractTeacher, type TEACHERS } from './extract-teacher.ts';
import { type Pictures, sourcePictures } from './pictures.ts';

/** What the command line says. */
export interface ExtractRequest extends Omit<ExtractOptions, 'pixels' | 'strict'> {
  readonly source?: string | undefined;
  readonly within?: string;
  readonly labels?: string;
  readonly size?: number;
  readonly pixels?: boolean;
  readonly strict?: boolean;
  readonly verify?: boolean;
  readonly threads: number;
  /** Whether training follows in this process: the threads of TensorFlow's operations are then training's, fewer than suit a VAE alone. */
  readonly trainsNext?: boolean;
  /** Network whose features are written beside the cache. */
  readonly teacher?: (typeof TEACHERS)[number];
}

/** What the command reports. */
export interface ExtractSummary extends Pick<CacheIndex, 'count' | 'dropped'> {
  readonly cache: string;
  readonly bytes: number;
  readonly remarks: Extracted['remarks'];
  readonly verified: boolean;
}

/** The most bad images that are named one by one. */
const NAMED = 20;

/** Extracts, or only verifies where no source is named and the cache is finished. */
export async function runExtract(
  config: TrainConfig,
  request: ExtractRequest,
  reporter: Reporter,
): Promise<ExtractSummary> {
  const finished = request.source === undefined && request.verify ? await readIndex(request.out) : undefined;
  const { index, remarks } = finished
    ? { index: finished, remarks: {} }
    : await extracted(config, request, reporter);
  for (const sentence of describeRemarks(remarks)) reporter.say(sentence);
  for (const { name, reason } of index.dropped.slice(0, NAMED)) reporter.warn(`Left out ${name}: ${reason}.`);
  const more = index.dropped.length - NAMED;
  if (more > 0) reporter.warn(`Left out ${more} more; ${request.out}/index.json lists them.`);
  if (request.verify) await verify(request.out, reporter);
  const bytes = totalBytes(index);
  reporter.say(`${request.out} holds ${index.count} images in ${(bytes / 1e6).toFixed(1)} MB.`);
  return {
    cache: request.out,
    count: index.count,
    dropped: index.dropped,
    bytes,
    remarks,
    verified: request.verify === true,
  };
}

async function openPictures({ data }: TrainConfig, request: ExtractRequest): Promise<Pictures> {
  const named = data.kind === 'images' ? data : undefined;
  const path = request.source ?? named?.path;
  if (path === undefined)
    throw userError('There is no source of images: name one, or a configuration whose data.kind is images.');
  const within = request.within ?? (request.source === undefined ? named?.within : undefined) ?? undefined;
  const labels = request.labels ?? named?.labels ?? undefined;
  const size = request.size ?? ('size' in data ? data.size : undefined);
  if (size === undefined) throw userError('The size of the images is not said: name it with --size.');
  const source = await openImages(path, { within, labels }).catch((cause: Error) => {
    throw userError(cause.message, { cause });
  });
  return sourcePictures(source, size, request.threads);
}

async function extracted(
  config: TrainConfig,
  request: ExtractRequest,
  reporter: Reporter,
): Promise<Extracted> {
  const files = await readVae(config.vae, reporter);
  const engine = await createEngine({ ...config.train, wideOperations: !request.trainsNext });
  const pictures = await openPictures(config, request);
  const vae = engine.model(vaeParams(files));
  try {
    const { request: wanted } = resolveShapes(config, files.config, pictures);
    const { pixels = false, strict = false } = request;
    const made = await extract(pictures, files, vae, wanted, { ...request, pixels, strict }, reporter);
    if (request.teacher !== undefined) {
      const path = await extractTeacher(request.out, made.index, pictures, wanted.grid, engine, reporter);
      reporter.say(`Train with --set alignment.teacher.kind=file --set alignment.teacher.path=${path}.`);
    }
    return made;
  } finally {
    vae.dispose();
    await pictures.close();
  }
}

async function verify(folder: string, reporter: Reporter): Promise<void> {
  const index = await readIndex(folder);
  const bar = reporter.progress('verifying', Math.round((index ? totalBytes(index) : 0) / 1e6));
  const problems = await verifyCache(folder, (done) => bar.update(Math.round(done / 1e6), undefined));
  bar.stop();
  if (problems.length > 0) throw userError(`${problems.join('; ')}: remove the folder and extract again.`);
  reporter.say(`Every file of ${folder} has the SHA-256 that its index says.`);
}
