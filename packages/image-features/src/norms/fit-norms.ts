/** Fits the normalisations of token groups on calibration images spread evenly over a data set. */
import { setImmediate } from 'node:timers/promises';
import { type Reporter, silent } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import { type FeatureEncoder, featureEncoder, latentTokens } from '../feature-encoder.ts';
import { type FeatureRequest, needsFit, rawWidths, type VaeFeatures } from '../feature-request.ts';
import { imageBatch, padBatch } from '../image-batch.ts';
import type { ImageDataset } from '../image-dataset.ts';
import type { FittedNorm, FittedNorms } from './fitted-norms.ts';
import { type GroupFitter, groupFitter } from './group-fitter.ts';

/** Fits on `hierarchy.calibration` images, `batch` at a time; none where the normalisation has no fitted numbers. Bad images are skipped. */
export async function fitNorms(
  features: VaeFeatures,
  images: ImageDataset,
  batch: number,
  reporter: Reporter = silent,
): Promise<FittedNorms> {
  const { files, request } = features;
  if (!needsFit(request)) return {};
  const count = images.names.length;
  const total = Math.min(request.hierarchy.calibration, count);
  const fitters = rawWidths(files.config, request).map((width) =>
    groupFitter(files.config, request, width, total),
  );
  const raw = featureEncoder(features);
  const bar = reporter.progress('fitting statistics', total);
  try {
    for (let start = 0; start < total; start += batch) {
      await setImmediate();
      const rows = Array.from({ length: Math.min(batch, total - start) }, (_, i) =>
        Math.floor(((start + i) * count) / total),
      );
      const read = await Promise.allSettled(rows.map((row) => images.image(row)));
      const good = read.flatMap((one) => (one.status === 'fulfilled' ? [one.value.pixels] : []));
      if (good.length > 0) addAll(raw, fitters, padBatch(good, batch), good.length, request);
      bar.update(Math.min(start + batch, total), undefined);
    }
    const norms: Record<string, FittedNorm> = {};
    for (const [g, { name }] of request.groups.entries())
      norms[name] = await (fitters[g] as GroupFitter).result();
    return norms;
  } finally {
    bar.stop();
    raw.dispose();
  }
}

function addAll(
  raw: FeatureEncoder,
  fitters: readonly GroupFitter[],
  images: readonly Uint8Array[],
  good: number,
  { size, grid }: FeatureRequest,
): void {
  tf.tidy(() => {
    const { mean, tokens } = raw.encode(imageBatch(images, size));
    const latents = latentTokens(mean, grid);
    tokens.forEach((group, g) => void fitters[g]?.add(group, latents, good));
  });
}
