/** Reference statistics in a safetensors file, valid for the network that made them. */
import { userError } from '@ahpa/messages';
import {
  firstNonFinite,
  readSafetensors,
  type TensorEntry,
  toFloat32,
  writeSafetensors,
} from '@ahpa/weight-files';
import type { FeatureMatrix } from '../algebra.ts';
import type { Gaussian } from '../statistics.ts';
import type { OpenFeatureNetwork } from './opened-network.ts';

/** Statistics of reference images in the features of one network. */
export interface ReferenceSet {
  readonly path: string;
  readonly sha256: string;
  /** Number of images; null where the file does not record it. */
  readonly n: number | null;
  readonly gaussian: Gaussian;
  /** Absent where the file has none, as pytorch-fid's. */
  readonly spatial: Gaussian | undefined;
  /** Features for precision, recall and KID; absent where the file has statistics alone. */
  readonly features: FeatureMatrix | undefined;
}

const KIND = 'ahpa-reference-statistics';

function refuseNonFinite(tensors: Readonly<Record<string, TensorEntry>>, path: string): void {
  const [broken] = Object.entries(tensors).find(([, entry]) => firstNonFinite(entry) >= 0) ?? [];
  if (broken === undefined) return;
  throw userError(`${path} holds a value of its ${broken} that is not finite: make the statistics again.`);
}

const float64s = ({ dtype, data, shape }: TensorEntry, path: string): Float64Array => {
  if (dtype === 'F32') return Float64Array.from(toFloat32({ dtype, data, shape }));
  if (dtype !== 'F64') throw userError(`${path} holds statistics of type ${dtype}, wanted F64 or F32.`);
  return new Float64Array(data.slice().buffer);
};

/** Mean `[d]` and covariance `[d, d]` of a file in float64. @throws where types or shapes are others, or a value is not finite. */
export function gaussianFrom(mean: TensorEntry, covariance: TensorEntry, path: string): Gaussian {
  const [rows = 0, columns = 0] = covariance.shape;
  const [d] = mean.shape;
  if (mean.shape.length !== 1 || covariance.shape.length !== 2 || rows !== d || columns !== d)
    throw userError(
      `${path} holds a mean of shape [${mean.shape}] and a covariance of shape [${covariance.shape}], wanted [d] and [d, d].`,
    );
  refuseNonFinite({ mean, covariance }, path);
  return { mean: float64s(mean, path), covariance: { rows, columns, data: float64s(covariance, path) } };
}

/** Reads what `saveReference` wrote. @throws where the file is another one, or of another network. */
export async function readReference(path: string, network: OpenFeatureNetwork): Promise<ReferenceSet> {
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
  if (features) refuseNonFinite({ features }, path);
  return {
    path,
    sha256,
    n: n === undefined ? null : Number(n),
    gaussian: gaussianFrom(at('mu'), at('sigma'), path),
    spatial: tensors['mu_s'] && gaussianFrom(tensors['mu_s'], at('sigma_s'), path),
    features: features && {
      rows: features.shape[0] as number,
      columns: features.shape[1] as number,
      data: toFloat32(features),
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Writes a reference's statistics, its features for precision and recall, and the hash of its images to a .safetensors file. */
export async function saveReference(
  path: string,
  { sha256, n, gaussian: whole, spatial, features }: ReferenceSet,
  network: OpenFeatureNetwork,
): Promise<void> {
  const parts = (name: string, { mean, covariance }: Gaussian): Record<string, TensorEntry> => ({
    [`mu${name}`]: { dtype: 'F64', shape: [mean.length], data: bytesOf(mean) },
    [`sigma${name}`]: { dtype: 'F64', shape: [mean.length, mean.length], data: bytesOf(covariance.data) },
  });
  const tensors: Record<string, TensorEntry> = {
    ...parts('', whole),
    ...(spatial && parts('_s', spatial)),
  };
  if (features)
    tensors['features'] = {
      dtype: 'F32',
      shape: [features.rows, features.columns],
      data: bytesOf(features.data),
    };
  const metadata = { kind: KIND, network: network.sha256, networkName: network.name, sha256 };
  await writeSafetensors(path, tensors, n === null ? metadata : { ...metadata, n: String(n) });
}
