/** Reads and checks a file or folder of weights: model family, sizes, missing and unexpected tensors. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { type Network, parseDiffusersConfig } from '@ahpa/sit-weights';
import { readSafetensors, readWeights, type TensorEntry } from '@ahpa/weight-files';
import { diffusersFolder, readDiffusersConfig } from './diffusers-folder.ts';
import { isTorch, readPart, torchParts } from './file-parts.ts';
import { type KnownSizes, toKnown } from './known-sizes.ts';
import { isFamily, type Recognised, recognise } from './recognise.ts';
import { countValues } from './tensor-counts.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Content of a file or folder. */
export interface Inspection {
  readonly file: string;
  /** Model family, or the kind of file. */
  readonly kind: string;
  /** Steps of training, where the file counts them. */
  readonly step?: number;
  /** Number of tensors. */
  readonly tensors: number;
  /** Values by the first part of the tensors' names. */
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The networks in it by part; '' where it is one state dict. */
  readonly networks: Readonly<Record<string, Recognised>>;
}

/** A model folder of the application itself. */
export interface OwnFolder extends Pick<Inspection, 'file' | 'kind' | 'step' | 'metadata'> {
  readonly network: Network;
  readonly weights: Tensors;
}

/** Reads a model folder of the application; undefined where the folder is none. */
export type ReadOwnFolder = (folder: string) => Promise<OwnFolder | undefined>;

/** Choices for an inspection. */
export interface InspectOptions extends KnownSizes {
  readonly readOwnFolder?: ReadOwnFolder;
}

/**
 * Reads and checks a weights file of safetensors or PyTorch, a checkpoint of `@ahpa/checkpoint`, a folder of diffusers, or
 * the application's own. Problems of a network are listed.
 * @throws Error where a file cannot be read or its sizes stay open
 */
export async function inspectModelFile(file: string, options: InspectOptions = {}): Promise<Inspection> {
  if (statSync(file).isDirectory()) return inspectFolder(file, options);
  if (await isTorch(file)) return inspectTorch(file, options);
  const { metadata, tensors } = await readSafetensors(file);
  const { schema, kind = 'weights' } = metadata;
  const summary = { file, ...sizes(tensors) };
  if (schema === undefined) {
    const networks = recogniseFamily('', tensors, options);
    return { ...summary, kind: networks['']?.kind ?? kind, metadata: { ...metadata }, networks };
  }
  const { step, meta } = await loadCheckpoint(file);
  return { ...summary, kind: 'checkpoint', step, metadata: meta, networks: {} };
}

async function inspectFolder(folder: string, { readOwnFolder }: InspectOptions): Promise<Inspection> {
  const theirs = diffusersFolder(folder);
  if (theirs !== undefined) return inspectDiffusers(theirs);
  const own = await readOwnFolder?.(folder);
  if (own !== undefined) {
    const { file, kind, step, weights, network, metadata } = own;
    const summary = { file, kind, ...sizes(weights), ...(step !== undefined && { step }) };
    return { ...summary, metadata, networks: { '': recognise(weights, { network }) } };
  }
  const tensors = await readWeights(folder);
  const beside = ['config.json'].filter((name) => existsSync(join(folder, name)));
  return { file: folder, kind: 'weights', ...sizes(tensors), metadata: { beside }, networks: {} };
}

async function inspectDiffusers(folder: string): Promise<Inspection> {
  const config = await readDiffusersConfig(folder);
  const tensors = await readWeights(folder);
  const network = recognise(tensors, { network: parseDiffusersConfig(config) });
  return {
    file: folder,
    kind: network.kind,
    ...sizes(tensors),
    metadata: config,
    networks: { '': network },
  };
}

async function inspectTorch(file: string, options: InspectOptions): Promise<Inspection> {
  const parts = await torchParts(file);
  const read = await Promise.all(
    (parts.length > 0 ? parts : [undefined]).map((part) => readPart(file, part)),
  );
  const named = read.flatMap(({ part, tensors }) =>
    Object.entries(tensors).map(
      ([name, tensor]) => [part === '' ? name : `${part}.${name}`, tensor] as const,
    ),
  );
  const networks = Object.assign(
    {},
    ...read.map(({ part, tensors }) => recogniseFamily(part, tensors, options)),
  );
  const [first] = Object.values(networks as Record<string, Recognised>);
  const kind = `${parts.length > 1 ? 'PyTorch checkpoint' : 'PyTorch weights'}${first ? `: ${first.kind}` : ''}`;
  return { file, kind, ...sizes(Object.fromEntries(named)), metadata: { parts }, networks };
}

function recogniseFamily(
  part: string,
  tensors: Tensors,
  options: KnownSizes,
): Readonly<Record<string, Recognised>> {
  return isFamily(tensors) ? { [part]: recognise(tensors, toKnown(options)) } : {};
}

function sizes(tensors: Tensors): Pick<Inspection, 'tensors' | 'values' | 'bytes'> {
  const values: Record<string, number> = {};
  let bytes = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const part = name.split('.')[0] as string;
    values[part] = (values[part] ?? 0) + countValues(shape);
    bytes += data.length;
  }
  return { tensors: Object.keys(tensors).length, values, bytes };
}
