/** Samples to evaluate: files of images, with the record of how they were drawn where there is one, or a model that draws. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SampleConfig } from '@ahpa/dit-core';
import type { BackendName } from '@ahpa/engine';
import type { DrawingCard } from '@ahpa/evaluation';
import { openPixels, type PixelSource, type Samples } from '@ahpa/evaluation/node';
import { type Reporter, userError } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { type LoadOptions, loadModel, loadWeakModel } from '../models/load-model.ts';
import { isModelFolder } from '../models/model-folder.ts';
import { openImageSampler } from '../models/open-image-sampler.ts';
import { runFolder } from '../records/folder.ts';
import { trainedClasses } from '../sampling/choose-classes.ts';
import { drawnPixels, evaluations } from './drawn-pixels.ts';

/** Samples of an evaluation; the sampler settings apply where a model draws. */
export interface SamplesRequest extends LoadOptions {
  /** Images, or the name of a run, or the path of a run, checkpoint or exported model. */
  readonly samples: string;
  readonly n?: number;
  /** Samples of another run, from the same noise and labels, for a paired test. */
  readonly against?: string;
  readonly vae?: string;
  /** A weaker model, which guidance leads away from. */
  readonly weak?: string;
  readonly sample?: Partial<TrainConfig['sample']>;
  readonly seed: number;
  readonly backend?: BackendName;
}

/** Samples of a model where no number is given. */
const DEFAULT_N = 5000;

/** Whether a name means a model that draws, and not files of images. */
const meansModel = (name: string, runs: string): boolean =>
  isModelFolder(name) ||
  name.endsWith('.safetensors') ||
  [name, join(runs, name)].some((path) => existsSync(runFolder(path).checkpoints));

async function fromModel(request: SamplesRequest, reporter: Reporter): Promise<Samples> {
  const { n = DEFAULT_N, seed } = request;
  const model = await loadModel(request.samples, request, reporter);
  const weakModel = await loadWeakModel(request, reporter);
  const opened = await openImageSampler(model, { ...request, ...(weakModel && { weakModel }) }, reporter);
  const classes = trainedClasses(model);
  const draw = { n, seed, label: (index: number) => classes[index % classes.length] as number };
  return {
    source: drawnPixels(model.source, opened.sampler, draw, opened.dispose),
    drawing: {
      model: model.source,
      step: model.step ?? null,
      sample: opened.sampler.config,
      nfe: evaluations(opened.sampler.config),
      ema: model.average,
      vae: opened.vae.sha256,
      seed,
      labels: 'balanced',
    },
  };
}

/** The part of the record beside generated images that a card repeats. */
interface GenerateRecord {
  readonly request?: {
    readonly seed: number;
    readonly labels: DrawingCard['labels'];
    readonly vae: string;
    readonly sample: SampleConfig;
  };
  readonly from?: { readonly source: string; readonly step: number | null; readonly average: string };
}

/** Sampler, labels and weights of the images in a file, from the record that `ahpa generate` leaves beside it. */
async function readDrawing(path: string): Promise<DrawingCard | null> {
  const file = `${path.replace(/\/+$/, '')}.json`;
  if (!existsSync(file)) return null;
  const { request, from } = JSON.parse(await readFile(file, 'utf8')) as GenerateRecord;
  if (!request?.sample || !from) return null;
  return {
    model: from.source,
    step: from.step,
    sample: request.sample,
    nfe: evaluations(request.sample),
    ema: from.average,
    vae: request.vae,
    seed: request.seed,
    labels: request.labels,
  };
}

/** The first `n` images of a source. */
function firstPixels(source: PixelSource, n: number | undefined): PixelSource {
  if (n === undefined) return source;
  if (n > source.n) throw userError(`${source.path} holds ${source.n} images, fewer than --n ${n}.`);
  return { ...source, n };
}

/** Refuses the options of a model where none draws. */
function assertDrawn({ samples, against, runs, ...options }: SamplesRequest): void {
  if (against !== undefined && meansModel(against, runs)) return;
  const given = (['ema', 'at', 'weak'] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw userError(`${samples} holds images, and --${given} is for a model that draws: leave it away.`);
}

/** Opens samples. Throws one sentence where a name means neither images nor a model. */
export async function openSamples(request: SamplesRequest, reporter: Reporter): Promise<Samples> {
  const { samples, runs, n } = request;
  if (meansModel(samples, runs)) return fromModel(request, reporter);
  if (!existsSync(samples))
    throw userError(
      `There are no samples at ${samples}, and no run ${basename(samples)} in ${runs}: name images, a run or a model.`,
    );
  assertDrawn(request);
  const source = await openPixels(samples);
  try {
    return { source: firstPixels(source, n), drawing: await readDrawing(samples) };
  } catch (error) {
    await source.close();
    throw error;
  }
}
