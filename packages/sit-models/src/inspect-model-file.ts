/** Reads and checks a file or folder of weights: model family, sizes, missing and unexpected tensors. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { type Network, parseDiffusersConfig } from '@ahpa/sit-weights';
import { isIndex, isTorch, openSafetensors, readWeights, type TensorEntry } from '@ahpa/weight-files';
import { diffusersFolder, readDiffusersConfig } from './diffusers-folder.ts';
import { evidenceInMetadata, prefixedParts, tensorsOfPart } from './file-parts.ts';
import { inspectTorch } from './inspect-torch.ts';
import { findingsOf, type Inspection, joinFindings, recogniseFamily, sizes } from './inspection.ts';
import type { KnownSizes } from './known-sizes.ts';
import { recognise } from './recognise.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

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
  if (isIndex(file))
    return inspectTensors(file, { metadata: {}, tensors: await readWeights(file), problems: [] }, options);
  if (await isTorch(file)) return inspectTorch(file, options);
  const content = await readEach(file);
  if (content.metadata['schema'] === undefined) return inspectTensors(file, content, options);
  const { step, meta } = await loadCheckpoint(file);
  const { tensors, problems } = content;
  const moments = Object.keys(tensors).filter((name) => name.startsWith('moments.m.')).length;
  const counted = { step, ...(moments > 0 && { moments }) };
  return { file, ...sizes(tensors), kind: 'checkpoint', ...counted, metadata: meta, networks: {}, problems };
}

/** Tensors by name, the metadata beside them, and those that could not be read. */
interface FileContent {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Tensors;
  readonly problems: readonly string[];
}

/** Reads a safetensors file tensor by tensor, so that one that cannot be read leaves the others. */
async function readEach(path: string): Promise<FileContent> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, TensorEntry> = {};
    const problems: string[] = [];
    for (const [name, tensor] of Object.entries(file.tensors)) {
      try {
        tensors[name] = await tensor.read();
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
    return { metadata: file.metadata, tensors, problems };
  } finally {
    await file.close();
  }
}

function inspectTensors(
  file: string,
  { metadata, tensors, problems }: FileContent,
  options: InspectOptions,
): Inspection {
  const known = { ...evidenceInMetadata(metadata), ...options };
  const parts = prefixedParts(tensors);
  const weights = parts.length > 0 ? parts.filter((part) => !part.startsWith('exp_avg')) : [''];
  const findings = joinFindings([
    ...weights.map((part) =>
      recogniseFamily(part, part === '' ? tensors : tensorsOfPart(tensors, part), known),
    ),
    { networks: {}, problems },
  ]);
  const [first] = Object.values(findings.networks);
  const moments = Object.keys(tensorsOfPart(tensors, 'exp_avg')).length;
  const counted = { ...stepIn(metadata), ...(parts.includes('exp_avg') && { moments }) };
  const kind = first?.kind ?? metadata['kind'] ?? 'weights';
  return { file, ...sizes(tensors), ...counted, kind, metadata: { ...metadata }, ...findings };
}

function stepIn({ steps }: Readonly<Record<string, unknown>>): { readonly step?: number } {
  return steps === undefined ? {} : { step: Number(steps) };
}

async function inspectFolder(folder: string, { readOwnFolder }: InspectOptions): Promise<Inspection> {
  const theirs = diffusersFolder(folder);
  if (theirs !== undefined) return inspectDiffusers(theirs);
  const own = await readOwnFolder?.(folder);
  if (own !== undefined) {
    const { file, kind, step, weights, network, metadata } = own;
    const summary = { file, kind, ...sizes(weights), ...(step !== undefined && { step }) };
    return { ...summary, metadata, ...findingsOf('', recognise(weights, { network })) };
  }
  const tensors = await readWeights(folder);
  const beside = ['config.json'].filter((name) => existsSync(join(folder, name)));
  return {
    file: folder,
    kind: 'weights',
    ...sizes(tensors),
    metadata: { beside },
    networks: {},
    problems: [],
  };
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
    ...findingsOf('', network),
  };
}
