/** References: images, their statistics in a file, or the ADM evaluator's file of both. */
import { type Reporter, type Stretch, silent, unwatched, userError } from '@ahpa/messages';
import { openNpz, type TensorEntry } from '@ahpa/weight-files';
import type { FeatureMatrix, LinearAlgebra } from '../algebra.ts';
import { sliceRows } from '../features.ts';
import { sha256File } from './hash-file.ts';
import { networkFeatures } from './network-features.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import { openPixels, type PixelSource } from './pixels.ts';
import { gaussianFrom, type ReferenceSet, readReference } from './reference-file.ts';

/** Reference images whose features are kept for precision and recall, as many as the ADM evaluator's file holds. */
const KEPT_FEATURES = 10_000;

const kept = (features: FeatureMatrix): FeatureMatrix =>
  sliceRows(features, 0, Math.min(KEPT_FEATURES, features.rows));

/** Statistics of reference images by a network; closes their source. */
export async function measureReference(
  source: PixelSource,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter = silent,
  stretch: Stretch = unwatched,
): Promise<ReferenceSet> {
  try {
    const {
      n,
      pooled,
      gaussian: whole,
      spatial,
    } = await networkFeatures(network, source, algebra, reporter, { what: 'reference', stretch });
    return {
      path: source.path,
      sha256: await source.sha256(),
      n,
      gaussian: whole,
      spatial,
      features: kept(pooled),
    };
  } finally {
    await source.close();
  }
}

/** The ADM evaluator's file: statistics of the whole training set, and some of its images. */
async function fromAdm(
  path: string,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter,
): Promise<ReferenceSet | undefined> {
  const file = await openNpz(path);
  try {
    const all = ['mu', 'sigma', 'mu_s', 'sigma_s'];
    const missing = all.filter((name) => !file.names.includes(name));
    if (missing.length === all.length) return undefined;
    if (missing.length > 0)
      throw userError(`${path} has ${file.names.join(', ')} but no ${missing.join(', ')}.`);
    if (network.prefix !== '') {
      if (file.names.includes('arr_0')) {
        reporter.warn(`${path} holds statistics of Inception, not of ${network.name}: using its images.`);
        return undefined;
      }
      throw userError(
        `${path} holds statistics of Inception, and figures of ${network.name} need images: name Inception with --inception FILE, or another --ref.`,
      );
    }
    const [mu, sigma, muS, sigmaS] = (await Promise.all(
      all.map(async (name) => (await file.array(name)).read()),
    )) as [TensorEntry, TensorEntry, TensorEntry, TensorEntry];
    const stored = { gaussian: gaussianFrom(mu, sigma, path), spatial: gaussianFrom(muS, sigmaS, path) };
    const images = file.names.includes('arr_0')
      ? await measureReference(await openPixels(path), network, algebra, reporter)
      : undefined;
    return {
      path,
      sha256: images?.sha256 ?? (await sha256File(path)),
      n: null,
      ...stored,
      features: images?.features,
    };
  } finally {
    await file.close();
  }
}

/**
 * Opens a reference: .safetensors of `saveReference`, the ADM evaluator's .npz, or images, which are measured.
 * @throws where the statistics are of another network.
 */
export async function openReference(
  path: string,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter = silent,
): Promise<ReferenceSet> {
  if (path.endsWith('.safetensors')) return readReference(path, network);
  const adm = path.endsWith('.npz') ? await fromAdm(path, network, algebra, reporter) : undefined;
  return adm ?? measureReference(await openPixels(path), network, algebra, reporter);
}
