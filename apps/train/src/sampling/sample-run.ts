/** `ahpa sample`: a grid of images with a trained model. */

import type { BackendName } from '@ahpa/engine';
import type { Reporter } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { pictureEncoder } from '../files/picture-format.ts';
import { type LoadOptions, loadModel, loadWeakModel } from '../models/load-model.ts';
import { openImageSampler } from '../models/open-image-sampler.ts';
import { chooseClasses, gridClasses, nameClasses } from './choose-classes.ts';
import { drawClassGrid } from './class-grid.ts';

/** Model, classes and output of a grid; settings of the sampler default to the run's own. */
export interface SampleRequest extends LoadOptions {
  /** Name of a run, or path of a run, a checkpoint or an exported folder. */
  readonly model: string;
  /** A class, or all; default those of the configuration's sample grids. */
  readonly class?: string;
  /** Images of each class; default as in those grids. */
  readonly n?: number;
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

/** Images in a row where there is one class. */
const WIDEST = 8;

/** Samples the images and writes them as one grid. @throws before anything is loaded where `out` is no picture */
export async function sampleRun(request: SampleRequest, reporter: Reporter): Promise<SampleResult> {
  const { seed, out } = request;
  pictureEncoder(out);
  const model = await loadModel(request.model, request, reporter);
  const chosen =
    request.class === undefined ? gridClasses(model.sample, model) : chooseClasses(request.class, model);
  const perClass = request.n ?? model.sample.perClass;
  const weakModel = await loadWeakModel(request, reporter);
  const options = { ...request, ...(weakModel && { weakModel }) };
  const { sampler, dispose } = await openImageSampler(model, options, reporter);
  reporter.say(
    `Drawing ${perClass} image${perClass === 1 ? '' : 's'} of ${nameClasses(chosen, model.classes)}.`,
  );
  const bar = reporter.progress<undefined>('sampling, %', 100);
  const onStep = (done: number, all: number): void => bar.update(Math.round((100 * done) / all), undefined);
  const classes = chosen.map((label) => model.classes[label] as string);
  const rows = chosen.length === 1 ? { columns: Math.min(perClass, WIDEST) } : { labels: classes };
  const grid = await drawClassGrid(sampler, { classes: chosen, perClass, seed, ...rows }, { onStep }).finally(
    () => {
      bar.stop();
      dispose();
    },
  );
  await grid.write(out);
  return { out, source: model.source, step: model.step, images: chosen.length * perClass, classes };
}
