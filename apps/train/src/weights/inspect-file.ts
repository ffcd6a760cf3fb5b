/** Reads and checks a file or folder of weights and says what it is. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { type Convention, networkOfDiffusers } from '@ahpa/sit-weights';
import { readSafetensors, readWeights, type TensorEntry } from '@ahpa/weight-files';
import { isModelFolder, readModelFolder } from '../run/model-folder.ts';
import { isTorch, readPart, torchParts } from './file-parts.ts';
import { diffusersFolder, readDiffusersConfig } from './open-network.ts';
import { isFamily, type Recognised, recognise } from './recognise.ts';

/** What a file is. */
export interface Inspection {
  readonly file: string;
  readonly kind: string;
  readonly step?: number;
  readonly tensors: number;
  /** Values by the first part of the tensors' names. */
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The networks in it by part; '' where it is one state dict. */
  readonly networks: Readonly<Record<string, Recognised>>;
}

/** What files do not tell, or not always. */
export interface InspectOptions {
  readonly from?: Convention;
  readonly heads?: number;
  readonly latentSize?: number;
}

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Reads and checks a weights file of safetensors or PyTorch, a checkpoint of ours, or a model folder of ours or of diffusers. */
export async function inspect(file: string, options: InspectOptions = {}): Promise<Inspection> {
  if (statSync(file).isDirectory()) return inspectFolder(file);
  if (await isTorch(file)) return inspectTorch(file, options);
  const { metadata, tensors } = await readSafetensors(file);
  const { schema, kind = 'weights' } = metadata;
  const summary = { file, ...sizes(tensors) };
  if (schema === undefined) {
    const networks = networksOf('', tensors, options);
    return { ...summary, kind: networks['']?.kind ?? kind, metadata: { ...metadata }, networks };
  }
  const { step, meta } = await loadCheckpoint(file);
  return { ...summary, kind: 'checkpoint', step, metadata: meta, networks: {} };
}

async function inspectFolder(folder: string): Promise<Inspection> {
  const theirs = diffusersFolder(folder);
  if (theirs !== undefined) {
    const config = await readDiffusersConfig(theirs);
    const tensors = await readWeights(theirs);
    const network = recognise(tensors, { network: networkOfDiffusers(config) });
    return {
      file: theirs,
      kind: network.kind,
      ...sizes(tensors),
      metadata: config,
      networks: { '': network },
    };
  }
  if (isModelFolder(folder)) {
    const { weights, network, step, source, classes, vae } = await readModelFolder(folder);
    const { qkNorm = false, learnSigma = false, convention = 'repa' } = network;
    const known = { network: { ...network, qkNorm, learnSigma, convention } };
    const found = recognise(weights, known);
    const own = {
      file: source,
      kind: 'exported model',
      ...sizes(weights),
      ...(step !== undefined && { step }),
    };
    return { ...own, metadata: { classes, vae }, networks: { '': found } };
  }
  const tensors = await readWeights(folder);
  const weights = ['config.json'].filter((name) => existsSync(join(folder, name)));
  return { file: folder, kind: 'weights', ...sizes(tensors), metadata: { beside: weights }, networks: {} };
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
  const networks = Object.assign({}, ...read.map(({ part, tensors }) => networksOf(part, tensors, options)));
  const [first] = Object.values(networks as Record<string, Recognised>);
  const kind = `${parts.length > 1 ? 'PyTorch checkpoint' : 'PyTorch weights'}${first ? `: ${first.kind}` : ''}`;
  return { file, kind, ...sizes(Object.fromEntries(named)), metadata: { parts }, networks };
}

function networksOf(
  part: string,
  tensors: Tensors,
  { from, heads, latentSize }: InspectOptions,
): Record<string, Recognised> {
  if (!isFamily(tensors)) return {};
  const known = {
    ...(from && { convention: from }),
    ...(heads && { heads }),
    ...(latentSize && { latentSize }),
  };
  return { [part]: recognise(tensors, known) };
}

function sizes(tensors: Tensors): Pick<Inspection, 'tensors' | 'values' | 'bytes'> {
  const values: Record<string, number> = {};
  let bytes = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const part = name.split('.')[0] as string;
    values[part] = (values[part] ?? 0) + shape.reduce((product, length) => product * length, 1);
    bytes += data.length;
  }
  return { tensors: Object.keys(tensors).length, values, bytes };
}
