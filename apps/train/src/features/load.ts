/** The features of the training images, from the cache or computed now. */
import { defaultCacheDir, type ImageSet } from '../data/emoji.ts';
import { sha256 } from '../data/image-cache.ts';
import type { Reporter } from '../report.ts';
import type { Model } from '../run/engine.ts';
import type { VaeFiles, VaeTree } from '../vae/load.ts';
import { type FeatureKey, featurePath, readFeatures, writeFeatures } from './cache.ts';
import { computeFeatures } from './compute.ts';
import type { FeatureRequest, Features } from './features.ts';

/** Loads the features of the images `rows`; computes them, and says why, where the cache has none that are good. */
export async function loadFeatures(
  vae: Model<VaeTree>,
  files: VaeFiles,
  set: ImageSet,
  rows: Int32Array<ArrayBuffer>,
  request: FeatureRequest,
  reporter: Reporter,
): Promise<Features> {
  const key: FeatureKey = {
    images: set.sha256,
    rows: sha256(new Uint8Array(rows.buffer)),
    vae: files.sha256,
    ...request,
  };
  const path = featurePath(defaultCacheDir(), key);
  const cached = await readFeatures(path, key);
  if (typeof cached === 'object') return cached;
  if (cached !== undefined) reporter.warn(`Computing the features again: ${cached}.`);
  const bar = reporter.progress('encoding', rows.length);
  const features = await computeFeatures(vae, files.config, set, rows, request, (done) =>
    bar.update(done, undefined),
  );
  bar.stop();
  await writeFeatures(path, key, features);
  return features;
}
