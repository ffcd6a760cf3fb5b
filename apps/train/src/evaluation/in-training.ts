/**
 * Figures of a run while it trains, every so many steps: images of a fixed seed and labels against the training images, by the
 * same code as `ahpa evaluate`. Cards and the reference's statistics lie in the run's folder.
 */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@ahpa/checkpoint';
import type { Engine } from '@ahpa/engine';
import type { DrawingCard, EvaluationCard, LinearAlgebra } from '@ahpa/evaluation';
import {
  activeAlgebra,
  evaluateSamples,
  type FeatureNetworkOptions,
  factorReference,
  hashPixels,
  measureReference,
  type OpenFeatureNetwork,
  openFeatureNetwork,
  type PixelSource,
  type ReferenceSet,
  readReference,
  saveReference,
} from '@ahpa/evaluation/node';
import type { Task } from '@ahpa/trainer';
import { defaultCacheDir } from '../cache-folder.ts';
import { averageName, averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import type { Examples } from '../features/examples.ts';
import { fingerprint } from '../fingerprint.ts';
import type { ImageSampler } from '../models/image-sampler.ts';
import type { DataShape } from '../models/shapes.ts';
import type { Reporter } from '../report.ts';
import type { RunFolder } from '../run/folder.ts';
import type { Recorder } from '../run/recorder.ts';
import { readVae, vaeStride } from '../vae/load.ts';
import { drawnPixels, evaluations } from './drawn-pixels.ts';

/** What of a run is evaluated, and who hears of it. */
export interface EvaluatedRun {
  readonly config: TrainConfig;
  readonly folder: RunFolder;
  readonly train: Examples;
  readonly shape: DataShape;
  readonly classes: readonly string[];
  readonly sampler: ImageSampler;
  readonly engine: Engine;
  readonly recorder: Pick<Recorder, 'pause'>;
  readonly reporter: Reporter;
}

/** The training images, at most `most` of them. */
function examplePixels(path: string, examples: Examples, size: number, most: number): PixelSource {
  const n = Math.min(most, examples.count);
  const read: PixelSource['read'] = async (start, count) => ({
    data: await examples.pixels(Uint32Array.from({ length: count }, (_, i) => start + i)),
    shape: [count, size, size, 3],
  });
  return { path, n, read, sha256: () => hashPixels({ n, read }), close: async () => undefined };
}

/** File of the reference's statistics of a run. */
export const referencePath = ({ root }: Pick<RunFolder, 'root'>): string =>
  join(root, 'evaluation', 'reference.safetensors');

/** File of the card of a step. */
export const cardPath = ({ root }: Pick<RunFolder, 'root'>, step: number): string =>
  join(root, 'evaluation', `${String(step).padStart(7, '0')}.card.json`);

/** The statistics of the training images by this network; made where they are not there yet. */
export async function trainingReference(
  {
    folder,
    train,
    shape,
    config,
    reporter,
  }: Pick<EvaluatedRun, 'folder' | 'train' | 'shape' | 'config' | 'reporter'>,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
): Promise<ReferenceSet> {
  const path = referencePath(folder);
  const kept = existsSync(path) ? await readReference(path, network).catch(() => undefined) : undefined;
  if (kept) return kept;
  const size = shape.latentSize * vaeStride((await readVae(config.vae)).config);
  const pixels = examplePixels(path, train, size, config.evaluate.reference);
  const made = await measureReference(pixels, network, algebra, reporter);
  await mkdir(join(folder.root, 'evaluation'), { recursive: true });
  await saveReference(path, made, network);
  return made;
}

/** The network that a configuration names. */
export const choiceOf = ({ evaluate: { inception, sha256 } }: TrainConfig): FeatureNetworkOptions => ({
  cacheDir: defaultCacheDir(),
  ...(inception && { inception }),
  ...(sha256 && { sha256 }),
});

/** Evaluates the averaged weights as they are now and keeps the card; resolves to it. */
async function evaluateStep(run: EvaluatedRun, step: number): Promise<EvaluationCard> {
  const { config, folder, classes, sampler, engine, reporter } = run;
  const { images } = config.evaluate;
  const network = await openFeatureNetwork(choiceOf(config), engine, reporter);
  try {
    const algebra = await activeAlgebra();
    const reference = factorReference(await trainingReference(run, network, algebra), algebra);
    const { seed } = config.train;
    const label = (index: number): number => index % classes.length;
    const drawing: DrawingCard = {
      model: folder.root,
      step,
      sample: sampler.config,
      nfe: evaluations(sampler.config),
      ema: averageName(averages(config.ema)[0] as never),
      vae: fingerprint((await readVae(config.vae)).tensors),
      seed,
      labels: 'balanced',
    };
    const source = drawnPixels(`${folder.root} at step ${step}`, sampler, { n: images, seed, label });
    const command = `ahpa train, evaluate.every ${config.evaluate.every}`;
    const evaluator = { network, reference, algebra };
    const { card } = await evaluateSamples({ source, drawing }, evaluator, { command }, reporter);
    await writeDurably(cardPath(folder, step), [Buffer.from(`${JSON.stringify(card, null, 2)}\n`)]);
    return card;
  } finally {
    network.dispose();
  }
}

/** Evaluates every `evaluate.every` steps and at the end. */
export function evaluateTask(run: EvaluatedRun): Task[] {
  const { every } = run.config.evaluate;
  if (every === 0) return [];
  const evaluateAt = async (step: number): Promise<void> => {
    if (existsSync(cardPath(run.folder, step))) return;
    run.recorder.pause();
    const { figures } = await evaluateStep(run, step);
    const [[name, { value }]] = Object.entries(figures) as [[string, { value: number }]];
    run.reporter.say(`step ${step}: ${name} ${value.toPrecision(5)}`);
  };
  return [{ every, atEnd: 'complete', run: evaluateAt }];
}
