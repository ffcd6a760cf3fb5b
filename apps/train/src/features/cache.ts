/** Keeps features on disk: one safetensors file for each (images, VAE, groups, grid), checked when it is read. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readSafetensors, type TensorEntry, writeSafetensors } from '@ahpa/weight-files';
import type { Features, GroupTokens } from './features.ts';

/** The layout of the file; another number is computed again. */
const VERSION = 1;

/** Everything that features depend on, as JSON. */
export type FeatureKey = Readonly<Record<string, unknown>>;

type Tensors = Readonly<Record<string, TensorEntry>>;

const hex = (hash: string): string => createHash('sha256').update(hash).digest('hex');

/** Where the features of a key lie in a cache folder. */
export const featurePath = (folder: string, key: FeatureKey): string =>
  join(folder, `features-${hex(JSON.stringify(key)).slice(0, 16)}.safetensors`);

function contentHash(tensors: Tensors): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) {
    const { shape, data } = tensors[name] as TensorEntry;
    hash.update(JSON.stringify([name, shape])).update(data);
  }
  return hash.digest('hex');
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Writes features under their key, whole or not at all. */
export async function writeFeatures(path: string, key: FeatureKey, features: Features): Promise<void> {
  const { shape, mean, std, groups } = features;
  const tensors: Record<string, TensorEntry> = {
    'latent.mean': { dtype: 'F32', shape, data: bytesOf(mean) },
    'latent.std': { dtype: 'F32', shape, data: bytesOf(std) },
  };
  for (const { name, tokens: count, width, values } of groups) {
    tensors[`tokens.${name}`] = { dtype: 'F16', shape: [shape[0], count, width], data: bytesOf(values) };
  }
  const metadata = {
    kind: 'ahpa-features',
    version: String(VERSION),
    key: JSON.stringify(key),
    groups: JSON.stringify(groups.map(({ name }) => name)),
    sha256: contentHash(tensors),
  };
  await mkdir(dirname(path), { recursive: true });
  await writeSafetensors(path, tensors, metadata);
}

/** Reads the features of a key: `undefined` where there are none, or one sentence that says why they are unusable. */
export async function readFeatures(path: string, key: FeatureKey): Promise<Features | string | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const { metadata, tensors } = await readSafetensors(path);
    const { kind, version, key: written, groups, sha256 } = metadata;
    if (kind !== 'ahpa-features' || version !== String(VERSION))
      return `${path} is of another kind or version`;
    if (written !== JSON.stringify(key)) return `${path} belongs to other images or another VAE`;
    if (contentHash(tensors) !== sha256)
      return `${path} is corrupt (its SHA-256 differs from the recorded one)`;
    return featuresOf(tensors, JSON.parse(groups ?? '[]') as string[]);
  } catch (error) {
    return (error as Error).message.replace(/\.$/, '');
  }
}

function featuresOf(tensors: Tensors, names: readonly string[]): Features {
  const [mean, std] = [tensors['latent.mean'], tensors['latent.std']] as [TensorEntry, TensorEntry];
  const floats = ({ data }: TensorEntry): Float32Array<ArrayBuffer> => new Float32Array(data.slice().buffer);
  const groups = names.map((name): GroupTokens => {
    const { shape, data } = tensors[`tokens.${name}`] as TensorEntry;
    const [, count, width] = shape as [number, number, number];
    return { name, tokens: count, width, values: new Uint16Array(data.slice().buffer) };
  });
  return {
    shape: mean.shape as unknown as Features['shape'],
    mean: floats(mean),
    std: floats(std),
    groups,
  };
}
