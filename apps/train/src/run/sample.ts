/** Draws a grid of images with the averaged weights of a trained model. */

import type { BackendName } from '@ahpa/engine';
import { userError } from '@ahpa/messages';
import { closest } from 'fastest-levenshtein';
import type { TrainConfig } from '../config/types.ts';
import type { Reporter } from '../report.ts';
import { writeGrid } from '../visual/grid.ts';
import { drawImages } from './draw.ts';
import { loadModel } from './load-model.ts';
import { openArtist } from './open-artist.ts';

/** What to draw, and where from and to; absent numbers are the run's own. */
export interface SampleRequest {
  /** Name of a run, or path of a run, a checkpoint or an exported folder. */
  readonly model: string;
  readonly runs: string;
  readonly ema?: string;
  readonly class: string;
  /** Images of each class. */
  readonly n: number;
  readonly out: string;
  readonly vae?: string;
  /** A weaker model, which guidance leads away from. */
  readonly weak?: string;
  readonly sample?: Partial<TrainConfig['sample']>;
  readonly seed: number;
  readonly backend?: BackendName;
}

/** What was drawn. */
export interface SampleResult {
  readonly out: string;
  /** The file that the weights came from. */
  readonly source: string;
  readonly step: number | undefined;
  readonly images: number;
  readonly classes: readonly string[];
}

const WIDEST = 8;

/** Draws the images and writes them as one grid. */
export async function sampleRun(request: SampleRequest, reporter: Reporter): Promise<SampleResult> {
  const { n, seed, out } = request;
  const model = await loadModel(request.model, request, reporter);
  const chosen = chooseClasses(request.class, model.classes);
  const weakModel = request.weak === undefined ? undefined : await loadModel(request.weak, request, reporter);
  const options = { ...request, ...(weakModel && { weakModel }) };
  const { artist, dispose } = await openArtist(model, options, reporter);
  const labels = chosen.flatMap((label) => Array<number>(n).fill(label));
  const bar = reporter.progress<undefined>('sampling, %', 100);
  const images = await drawImages(artist, labels, seed, (done, all) =>
    bar.update(Math.round((100 * done) / all), undefined),
  );
  bar.stop();
  dispose();
  const single = chosen.length === 1;
  const classes = chosen.map((label) => model.classes[label] as string);
  await writeGrid(out, images, single ? Math.min(n, WIDEST) : n, { labels: single ? [] : classes });
  return { out, source: model.source, step: model.step, images: labels.length, classes };
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
