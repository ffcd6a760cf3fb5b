/** `ahpa sample`: a grid of images with a trained model. */

import type { BackendName } from '@ahpa/engine';
import type { Reporter } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { writeGrid } from '../files/image-grid.ts';
import { type LoadOptions, loadModel, loadWeakModel } from '../models/load-model.ts';
import { openImageSampler } from '../models/open-image-sampler.ts';
import { chooseClasses } from './choose-classes.ts';
import { sampleInBatches } from './sample-images.ts';

/** Model, classes and output of a grid; settings of the sampler default to the run's own. */
export interface SampleRequest extends LoadOptions {
  /** Name of a run, or path of a run, a checkpoint or an exported folder. */
  readonly model: string;
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

/** Result of `ahpa sample`. */
export interface SampleResult {
  readonly out: string;
  /** The file that the weights came from. */
  readonly source: string;
  readonly step: number | undefined;
  readonly images: number;
  readonly classes: readonly string[];
}

const WIDEST = 8;

/** Samples the images and writes them as one grid. */
export async function sampleRun(request: SampleRequest, reporter: Reporter): Promise<SampleResult> {
  const { n, seed, out } = request;
  const model = await loadModel(request.model, request, reporter);
  const chosen = chooseClasses(request.class, model.classes);
  const weakModel = await loadWeakModel(request, reporter);
  const options = { ...request, ...(weakModel && { weakModel }) };
  const { sampler, dispose } = await openImageSampler(model, options, reporter);
  const labels = chosen.flatMap((label) => Array<number>(n).fill(label));
  const bar = reporter.progress<undefined>('sampling, %', 100);
  const onStep = (done: number, all: number): void => bar.update(Math.round((100 * done) / all), undefined);
  const images = await sampleInBatches(sampler, labels, seed, { onStep });
  bar.stop();
  dispose();
  const single = chosen.length === 1;
  const classes = chosen.map((label) => model.classes[label] as string);
  await writeGrid(out, images, single ? Math.min(n, WIDEST) : n, { labels: single ? [] : classes });
  return { out, source: model.source, step: model.step, images: labels.length, classes };
}
