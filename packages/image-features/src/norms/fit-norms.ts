/** Fits the normalisations of token groups on calibration images spread evenly over a data set. */
import { setImmediate } from 'node:timers/promises';
import type { Dropped } from '@ahpa/latent-cache';
import { type Reporter, type Stretch, silent, unwatched, userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import { badImages } from '../bad-images.ts';
import { type FeatureEncoder, featureEncoder, latentTokens } from '../feature-encoder.ts';
import { type FeatureRequest, needsFit, rawWidths, type VaeFeatures } from '../feature-request.ts';
import { assertFiniteFeatures, bytesOf } from '../finite-features.ts';
import { imageBatch, padBatch } from '../image-batch.ts';
import type { ImageDataset } from '../image-dataset.ts';
import type { FittedNorm, FittedNorms } from './fitted-norms.ts';
import { type GroupFitter, groupFitter } from './group-fitter.ts';

/** Images encoded together, and what ends and announces a fit. */
export interface FitOptions {
  readonly batch: number;
  /** Ends the fit, with its reason, before the next batch. */
  readonly signal?: AbortSignal;
  /** Announces batches and decompositions. */
  readonly stretch?: Stretch;
}

/** Fits on `hierarchy.calibration` images, `batch` at a time; none where the normalisation has no fitted numbers. Bad images are skipped. */
export async function fitNorms(
  features: VaeFeatures,
  images: ImageDataset,
  { batch, signal, stretch = unwatched }: FitOptions,
  reporter: Reporter = silent,
): Promise<FittedNorms> {
  const { files, request } = features;
  if (!needsFit(request)) return {};
  const { names } = images;
  const count = names.length;
  const total = Math.min(request.hierarchy.calibration, count);
  const fitters = rawWidths(files.config, request).map((width) =>
    groupFitter(files.config, request, width, total),
  );
  const bad: Dropped[] = [];
  const raw = featureEncoder(features);
  const bar = reporter.progress('fitting statistics', total);
  try {
    for (let start = 0; start < total; start += batch) {
      await setImmediate();
      signal?.throwIfAborted();
      const rows = Array.from({ length: Math.min(batch, total - start) }, (_, i) =>
        Math.floor(((start + i) * count) / total),
      );
      const read = await Promise.allSettled(rows.map((row) => images.image(row)));
      bad.push(...badImages(read, rows, images));
      const good = read.flatMap((one, i) =>
        one.status === 'fulfilled'
          ? [{ name: names[rows[i] as number] as string, pixels: one.value.pixels }]
          : [],
      );
      if (good.length > 0)
        await stretch('A batch of the fit', () =>
          addAll(raw, fitters, good, batch, features.request, images.path),
        );
      bar.update(Math.min(start + batch, total), undefined);
    }
    const [first] = bad;
    if (first && bad.length === total)
      throw userError(
        `${images.path}: none of the ${total} images that statistics are fitted on is good; the first is ${first.name} (${first.reason}).`,
      );
    const norms: Record<string, FittedNorm> = {};
    for (const [g, { name }] of request.groups.entries())
      norms[name] = await stretch(`The fit of ${name}`, () => (fitters[g] as GroupFitter).result());
    return norms;
  } finally {
    bar.stop();
    raw.dispose();
  }
}

function addAll(
  raw: FeatureEncoder,
  fitters: readonly GroupFitter[],
  good: readonly { readonly name: string; readonly pixels: Uint8Array }[],
  batch: number,
  { groups, size, grid }: FeatureRequest,
  path: string,
): void {
  const squares = good.map(({ pixels }) => pixels);
  tf.tidy(() => {
    const { mean, tokens } = raw.encode(imageBatch(padBatch(squares, batch), size));
    const bytes = (tensor: tf.Tensor): Uint8Array =>
      bytesOf((tensor.dataSync() as Float32Array).subarray(0, (tensor.size / batch) * good.length));
    const fields = Object.fromEntries([
      ['latent.mean', { dtype: 'F32' as const, data: bytes(mean) }],
      ...tokens.map((group, g) => [
        `tokens.${groups[g]?.name}`,
        { dtype: 'F32' as const, data: bytes(group) },
      ]),
    ]);
    assertFiniteFeatures(
      fields,
      good.map(({ name }) => name),
      path,
    );
    const latents = latentTokens(mean, grid);
    tokens.forEach((group, g) => void fitters[g]?.add(group, latents, good.length));
  });
}
