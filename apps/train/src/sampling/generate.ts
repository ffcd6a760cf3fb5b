/**
 * `ahpa generate`: many images from a trained model.
 * model and VAE -> request, claimed beside the output -> batches that are not drawn yet, each marked once it is on disk -> done.
 * An image depends on the seed, its index and its class; batches are always computed in full, so that its bits do not depend
 * on how often the work was stopped or on how many processes share it.
 */
import type { BackendName } from '@ahpa/engine';
import type { Reporter } from '@ahpa/messages';
import type { TrainConfig } from '../config/types.ts';
import { fingerprint } from '../models/fingerprint.ts';
import { type LoadOptions, loadModel, loadWeakModel } from '../models/load-model.ts';
import { type OpenImageSampler, openImageSampler } from '../models/open-image-sampler.ts';
import type { TrainedModel } from '../models/trained-model.ts';
import { chooseClasses, nameClasses } from './choose-classes.ts';
import { chooseLabels } from './choose-labels.ts';
import { claimOutput, type GenerateRecord, type GenerateRequest, outputPaths } from './generate-request.ts';
import { checkOutputName, checkSpace, isComplete, type Output, openOutput } from './image-output.ts';
import { type SamplingHooks, sampleImages, untilAbort } from './sample-images.ts';

/** Model, number of images, classes and outputs; settings of the sampler default to the model's own. */
export interface GenerateOptions extends LoadOptions {
  /** Name of a run, or path of a run, a checkpoint or an exported folder. */
  readonly model: string;
  readonly n: number;
  readonly labels: GenerateRequest['labels'];
  /** A class by name or index, or `all`. */
  readonly class: string;
  /** `.npz` files and folders of PNGs. */
  readonly out: readonly string[];
  readonly batch: number;
  readonly seed: number;
  readonly sample?: Partial<TrainConfig['sample']>;
  readonly vae?: string;
  /** A weaker model, which guidance leads away from. */
  readonly weak?: string;
  readonly backend?: BackendName;
  /** Draw every `of`-th batch only, from the `part`-th (counted from 1) on; other processes draw the others. */
  readonly shard: { readonly part: number; readonly of: number };
}

/** Result of `ahpa generate`. */
export interface GenerateResult {
  readonly out: readonly string[];
  readonly images: number;
  /** Images that this call drew. */
  readonly drawn: number;
  /** False while other processes are still drawing their part. */
  readonly complete: boolean;
  readonly request: GenerateRequest;
}

type InterruptHooks = Required<Pick<SamplingHooks, 'signal' | 'stretch'>>;

/** Samples the images that the outputs lack; the same call resumes after an interruption. */
export async function generate(
  options: GenerateOptions,
  reporter: Reporter,
  hooks: InterruptHooks,
): Promise<GenerateResult> {
  for (const out of options.out) checkOutputName(out);
  const model = await loadModel(options.model, options, reporter);
  const weakModel = await loadWeakModel(options, reporter);
  const opened = await openImageSampler(model, { ...options, ...(weakModel && { weakModel }) }, reporter);
  const record = toRecord(options, model, opened, weakModel);
  const { request } = record;
  reporter.say(`Drawing ${request.images} images of ${nameClasses(request.classes, model.classes)}.`);
  const outputs: Output[] = [];
  try {
    for (const paths of options.out.map(outputPaths)) {
      await checkSpace(paths, request);
      await claimOutput(paths, record);
      if (!(await isComplete(paths, request))) outputs.push(await openOutput(paths, request));
    }
    const drawn = await drawMissing(opened, request, outputs, options.shard, reporter, hooks);
    const finished = await Promise.all(outputs.map((output) => output.finish()));
    const complete = !finished.includes(false);
    return { out: options.out, images: request.images, drawn, complete, request };
  } finally {
    for (const output of outputs) await output.close();
    opened.dispose();
  }
}

function toRecord(
  options: GenerateOptions,
  model: TrainedModel,
  opened: OpenImageSampler,
  weakModel?: TrainedModel,
): GenerateRecord {
  const { n, labels, seed, batch } = options;
  return {
    request: {
      images: n,
      size: opened.sampler.size,
      seed,
      labels,
      classes: chooseClasses(options.class, model),
      sample: opened.sampler.config,
      model: fingerprint(model.weights),
      ...(weakModel && { weak: fingerprint(weakModel.weights) }),
      vae: opened.vae.sha256,
      batch: Math.min(batch, n),
      backend: opened.backend,
    },
    from: {
      source: model.source,
      step: model.step ?? null,
      average: model.average,
      vae: opened.vae.path,
    },
  };
}

/** Draws the batches of this process that an output lacks; resolves to the number of images. */
async function drawMissing(
  { sampler }: OpenImageSampler,
  request: GenerateRequest,
  outputs: readonly Output[],
  { part, of }: GenerateOptions['shard'],
  reporter: Reporter,
  { signal, stretch }: InterruptHooks,
): Promise<number> {
  const { images, batch, seed } = request;
  const own = Array.from({ length: Math.ceil(images / batch) }, (_, k) => k).filter(
    (k) => k % of === part - 1,
  );
  const missing = own.filter((k) => outputs.some(({ marks }) => !marks.has(k)));
  const sizeAt = (k: number): number => Math.min(batch, images - k * batch);
  const total = own.reduce((sum, k) => sum + sizeAt(k), 0);
  const before = total - missing.reduce((sum, k) => sum + sizeAt(k), 0);
  if (before > 0 && missing.length > 0) reporter.say(`${before} of ${total} images are drawn already.`);
  const labels = await chooseLabels(request);
  const bar = reporter.progress<undefined>('generating', total);
  let done = before;
  bar.update(done, undefined);
  for (const k of missing) {
    if (signal.aborted) break;
    const first = k * batch;
    const indices = Array.from({ length: sizeAt(k) }, (_, i) => first + i);
    const chosen = labels.slice(first, first + indices.length);
    const onStep = (step: number, steps: number): void =>
      bar.update(Math.floor(done + (indices.length * step) / steps), undefined);
    const wanted = { indices, labels: chosen, seed, padTo: batch };
    const part = await untilAbort(signal, () => sampleImages(sampler, wanted, { onStep, signal, stretch }));
    if (part === undefined) break;
    for (const output of outputs) {
      if (!output.marks.has(k)) await output.write(k, first, part, chosen);
    }
    done += indices.length;
    bar.update(done, undefined);
  }
  bar.stop();
  return done - before;
}
