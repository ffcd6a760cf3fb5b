/**
 * What samples are compared with: images, statistics that were kept of them, or the ADM evaluator's file of both.
 * A file of statistics belongs to the network that made it.
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { type FeatureMatrix, type Gaussian, type LinearAlgebra, sliceRows } from '@ahpa/evaluation';
import { openNpz, readSafetensors, type TensorEntry, toFloat32, writeSafetensors } from '@ahpa/weight-files';
import { userError } from '../errors.ts';
import { sha256File } from '../files.ts';
import type { Reporter } from '../report.ts';
import { extract } from './extract.ts';
import type { OpenNetwork } from './network.ts';
import { openPixels, type PixelSource } from './pixels.ts';

/** A reference, in the features of one network. */
export interface ReferenceSet {
  readonly path: string;
  readonly sha256: string;
  /** Images behind the statistics; null where the file does not say. */
  readonly n: number | null;
  readonly gaussian: Gaussian;
  readonly spatial: Gaussian;
  /** For precision, recall and KID; absent where only statistics were kept. */
  readonly features: FeatureMatrix | undefined;
}

/** Reference images whose features are kept for precision and recall, as many as the ADM evaluator's file holds. */
const KEPT_FEATURES = 10_000;
const KIND = 'ahpa-reference-statistics';

const float64s = ({ dtype, data, shape }: TensorEntry, path: string): Float64Array => {
  if (dtype === 'F32') return Float64Array.from(toFloat32({ dtype, data, shape }));
  if (dtype !== 'F64') throw userError(`${path} holds statistics of type ${dtype}, wanted F64 or F32.`);
  return new Float64Array(data.slice().buffer);
};

function gaussian(mean: TensorEntry, covariance: TensorEntry, path: string): Gaussian {
  const [rows = 0, columns = 0] = covariance.shape;
  const [d] = mean.shape;
  if (mean.shape.length !== 1 || covariance.shape.length !== 2 || rows !== d || columns !== d)
    throw userError(
      `${path} holds a mean of shape [${mean.shape}] and a covariance of shape [${covariance.shape}], wanted [d] and [d, d].`,
    );
  return { mean: float64s(mean, path), covariance: { rows, columns, data: float64s(covariance, path) } };
}

/** SHA-256 of a source of images: of the file, or of the pixels of a folder in order. */
async function hashOf(source: PixelSource): Promise<string> {
  if (!(await stat(source.path)).isDirectory()) return sha256File(source.path);
  const hash = createHash('sha256');
  for (let start = 0; start < source.n; start += 50) {
    const { data, shape } = await source.read(start, Math.min(50, source.n - start));
    hash.update(shape.join()).update(data);
  }
  return hash.digest('hex');
}

const kept = (features: FeatureMatrix): FeatureMatrix =>
  sliceRows(features, 0, Math.min(KEPT_FEATURES, features.rows));

async function fromImages(
  source: PixelSource,
  network: OpenNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter,
): Promise<ReferenceSet> {
  try {
    const { n, pooled, gaussian: whole, spatial } = await extract(network, source, algebra, reporter);
    return {
      path: source.path,
      sha256: await hashOf(source),
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
  network: OpenNetwork,
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
    const stored = { gaussian: gaussian(mu, sigma, path), spatial: gaussian(muS, sigmaS, path) };
    const images = file.names.includes('arr_0')
      ? await fromImages(await openPixels(path), network, algebra, reporter)
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

/** Statistics that `saveReference` kept. */
async function fromStatistics(path: string, network: OpenNetwork): Promise<ReferenceSet> {
  const { metadata, tensors } = await readSafetensors(path);
  const { kind, network: made, sha256, n } = metadata;
  if (kind !== KIND || sha256 === undefined)
    throw userError(`${path} holds no reference statistics, wanted a file that --save-ref wrote.`);
  if (made !== network.sha256)
    throw userError(
      `${path} holds statistics of another network (sha256 ${made?.slice(0, 12)}...) than ${network.name} (${network.sha256.slice(0, 12)}...): make them again with --save-ref.`,
    );
  const at = (name: string): TensorEntry => tensors[name] as TensorEntry;
  const features = tensors['features'];
  return {
    path,
    sha256,
    n: n === undefined ? null : Number(n),
    gaussian: gaussian(at('mu'), at('sigma'), path),
    spatial: gaussian(at('mu_s'), at('sigma_s'), path),
    features: features && {
      rows: features.shape[0] as number,
      columns: features.shape[1] as number,
      data: toFloat32(features),
    },
  };
}

/** Opens a reference and computes what it does not hold yet. */
export async function openReference(
  path: string,
  network: OpenNetwork,
  algebra: LinearAlgebra,
  reporter: Reporter,
): Promise<ReferenceSet> {
  if (path.endsWith('.safetensors')) return fromStatistics(path, network);
  const adm = path.endsWith('.npz') ? await fromAdm(path, network, algebra, reporter) : undefined;
  return adm ?? fromImages(await openPixels(path), network, algebra, reporter);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Keeps a reference's statistics (and the features for precision and recall) in a file, with the hash of its images. */
export async function saveReference(
  path: string,
  { sha256, n, gaussian: whole, spatial, features }: ReferenceSet,
  network: OpenNetwork,
): Promise<void> {
  const parts = (name: string, { mean, covariance }: Gaussian): Record<string, TensorEntry> => ({
    [`mu${name}`]: { dtype: 'F64', shape: [mean.length], data: bytesOf(mean) },
    [`sigma${name}`]: { dtype: 'F64', shape: [mean.length, mean.length], data: bytesOf(covariance.data) },
  });
  const tensors: Record<string, TensorEntry> = { ...parts('', whole), ...parts('_s', spatial) };
  if (features)
    tensors['features'] = {
      dtype: 'F32',
      shape: [features.rows, features.columns],
      data: bytesOf(features.data),
    };
  const metadata = { kind: KIND, network: network.sha256, networkName: network.name, sha256 };
  await writeSafetensors(path, tensors, n === null ? metadata : { ...metadata, n: String(n) });
}
