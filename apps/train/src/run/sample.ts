/** Draws images with the averaged weights of a checkpoint. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from '@ahpa/checkpoint';
import { philox } from '@ahpa/trainer';
import { closest } from 'fastest-levenshtein';
import type { BackendName } from '../backend.ts';
import { denoiserPrefix } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import { userError } from '../errors.ts';
import type { Reporter } from '../report.ts';
import { readVae, vaeParams } from '../vae/load.ts';
import { writeGrid } from '../visual/grid.ts';
import { modelConfig, wire } from '../wiring.ts';
import { newestCheckpoint, readCheckpoint, runMeta } from './checkpoints.ts';
import { createEngine } from './create-engine.ts';
import { decoder, drawImages } from './draw.ts';
import { runFolder } from './folder.ts';
import { artistOf } from './sample-grid.ts';
import { treeOf } from './tree-file.ts';

/** What to draw, and where from and to; absent numbers are the run's own. */
export interface SampleRequest {
  readonly run: string;
  readonly runs: string;
  readonly class: string;
  /** Images of each class. */
  readonly n: number;
  readonly out: string;
  readonly steps?: number;
  readonly guidance?: number;
  readonly sampler?: TrainConfig['sample']['sampler'];
  readonly seed: number;
  readonly backend?: BackendName;
}

/** What was drawn. */
export interface SampleResult {
  readonly out: string;
  readonly checkpoint: string;
  readonly step: number;
  readonly images: number;
  readonly classes: readonly string[];
}

const WIDEST = 8;

/** Draws the images and writes them as one grid. */
export async function sampleRun(request: SampleRequest, reporter: Reporter): Promise<SampleResult> {
  const checkpoint = await findCheckpoint(request, reporter);
  const { config, shape, classes } = runMeta(checkpoint);
  const chosen = chooseClasses(request.class, classes);
  const files = await readVae(config.vae);
  const engine = await createEngine({ ...config.train, backend: request.backend ?? config.train.backend });
  const vae = engine.model(vaeParams(files));
  const { steps, guidance, sampler } = { ...config.sample, ...request };
  const settings = { ...config, sample: { ...config.sample, steps, guidance, sampler } };
  const deps = wire(settings, modelConfig(config.model, shape), []);
  const like = deps.denoiser.init(philox(0));
  const denoiser = engine.model(treeOf(like, checkpoint.tensors, checkpoint.path, denoiserPrefix()));
  const artist = artistOf(settings, { deps, decode: decoder(vae, files.config), shape }, denoiser);
  const bar = reporter.progress('sampling', steps);
  const labels = chosen.flatMap((label) => Array<number>(request.n).fill(label));
  const images = await drawImages(artist, labels, request.seed, (done) => bar.update(done, undefined));
  bar.stop();
  const single = chosen.length === 1;
  const names = chosen.map((label) => classes[label] as string);
  await writeGrid(request.out, images, single ? Math.min(request.n, WIDEST) : request.n, {
    labels: single ? [] : names,
  });
  return {
    out: request.out,
    checkpoint: checkpoint.path,
    step: checkpoint.step,
    images: labels.length,
    classes: names,
  };
}

async function findCheckpoint({ run, runs }: SampleRequest, reporter: Reporter): Promise<Checkpoint> {
  if (run.endsWith('.safetensors')) return readCheckpoint(run);
  const root = [run, join(runs, run)].find((path) => existsSync(runFolder(path).checkpoints));
  const found =
    root === undefined ? undefined : await newestCheckpoint(runFolder(root).checkpoints, reporter);
  if (found !== undefined) return found;
  throw userError(`There is no run with checkpoints at ${run} or ${join(runs, run)}: name another --run.`);
}

/** Indices of the classes that a name (or a part that only one has), an index or `all` means. */
export function chooseClasses(text: string, classes: readonly string[]): number[] {
  if (text === 'all') return classes.map((_, label) => label);
  if (/^\d+$/.test(text) && Number(text) < classes.length) return [Number(text)];
  const wanted = text.toLowerCase();
  const names = classes.map((name) => name.toLowerCase());
  if (names.includes(wanted)) return [names.indexOf(wanted)];
  const matches = names.flatMap((name, label) => (name.includes(wanted) ? [label] : []));
  if (matches.length === 1) return matches;
  const nearest = classes[names.indexOf(closest(wanted, names))];
  throw userError(
    `There is no class "${text}": the nearest is "${nearest}", and indices go from 0 to ${classes.length - 1}.`,
  );
}
