/** References: images, their statistics in a file, or a file of both. */
import { type Reporter, type Stretch, silent, unwatched, userError } from '@ahpa/messages';
import { openNpz } from '@ahpa/weight-files';
import type { FeatureMatrix, LinearAlgebra } from '../algebra.ts';
import { sliceRows } from '../features.ts';
import type { Gaussian } from '../statistics.ts';
import { sha256File } from './hash-file.ts';
import { networkFeatures } from './network-features.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';
import { openPixels, type PixelSource } from './pixels.ts';
import { gaussianFrom, type ReferenceSet, readReference } from './reference-file.ts';

/** Reference images whose features are kept for precision and recall, as many as the ADM evaluator's file holds. */
const KEPT_FEATURES = 10_000;

const WHOLE = ['mu', 'sigma'] as const;
const SPATIAL = ['mu_s', 'sigma_s'] as const;
const ADM: readonly string[] = [...WHOLE, ...SPATIAL];

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

/** Statistics of Inception: pytorch-fid's `mu` and `sigma`, or with spatial ones and some images the ADM evaluator's file. */
async function fromStatistics(
  path: string,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter,
): Promise<ReferenceSet | undefined> {
  const file = await openNpz(path);
  try {
    const { names } = file;
    const lacks = (name: string): boolean => !names.includes(name);
    const found = ADM.filter((name) => !lacks(name));
    if (found.length === 0) return undefined;
    const missing = (found.some((name) => name.endsWith('_s')) ? ADM : WHOLE).filter(lacks);
    if (missing.length > 0) throw userError(`${path} has ${names.join(', ')} but no ${missing.join(', ')}.`);
    if (network.prefix !== '') {
      if (names.includes('arr_0')) {
        reporter.warn(`${path} holds statistics of Inception, not of ${network.name}: using its images.`);
        return undefined;
      }
      throw userError(
        `${path} holds statistics of Inception, and figures of ${network.name} need images: name Inception with --inception FILE, or another --ref.`,
      );
    }
    const read = async ([mean, covariance]: readonly [string, string]): Promise<Gaussian> =>
      gaussianFrom(await (await file.array(mean)).read(), await (await file.array(covariance)).read(), path);
    const spatial = found.includes(SPATIAL[0]) ? await read(SPATIAL) : undefined;
    if (spatial === undefined)
      reporter.warn(
        `${path} holds statistics alone, as pytorch-fid writes them: they are compared as those of ${network.name}, whose images are resized as TensorFlow does; no sFD, precision or recall.`,
      );
    const images = names.includes('arr_0')
      ? await measureReference(await openPixels(path), network, algebra, reporter)
      : undefined;
    return {
      path,
      sha256: images?.sha256 ?? (await sha256File(path)),
      n: null,
      gaussian: await read(WHOLE),
      spatial,
      features: images?.features,
    };
  } finally {
    await file.close();
  }
}

/**
 * Opens a reference: .safetensors of `saveReference`, the .npz of the ADM evaluator or of pytorch-fid, or images, which are measured.
 * @throws where the statistics are of another network.
 */
export async function openReference(
  path: string,
  network: OpenFeatureNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter = silent,
): Promise<ReferenceSet> {
  if (path.endsWith('.safetensors')) return readReference(path, network);
  const stored = path.endsWith('.npz') ? await fromStatistics(path, network, algebra, reporter) : undefined;
  return stored ?? measureReference(await openPixels(path), network, algebra, reporter);
}
