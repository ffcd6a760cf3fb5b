/** Reads and checks a file or folder of weights: model family, sizes, missing and unexpected tensors. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { describeForeign, type Network, parseDiffusersConfig, plainNames } from '@ahpa/sit-weights';
import { readSafetensors, readWeights, type TensorEntry } from '@ahpa/weight-files';
import { diffusersFolder, readDiffusersConfig } from './diffusers-folder.ts';
import {
  evidenceInMetadata,
  isTorch,
  prefixedParts,
  readPart,
  tensorsOfPart,
  torchParts,
} from './file-parts.ts';
import { type KnownSizes, toKnown } from './known-sizes.ts';
import { isFamily, type Recognised, recognise } from './recognise.ts';
import { countValues } from './tensor-counts.ts';
import { describePrediction, readTrainingRecord, type TrainingRecord } from './training-record.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Content of a file or folder. */
export interface Inspection extends Pick<TrainingRecord, 'step' | 'args' | 'moments'> {
  readonly file: string;
  /** Model family, or the kind of file. */
  readonly kind: string;
  /** Number of tensors. */
  readonly tensors: number;
  /** Values by the first part of the tensors' names. */
  readonly values: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The networks in it by part; '' where it is one state dict. */
  readonly networks: Readonly<Record<string, Recognised>>;
  /** Problems of all networks, with the part, and tensors of a network that is not read; empty where the file is sound. */
  readonly problems: readonly string[];
}

/** Networks of a file, and their problems. */
type Findings = Pick<Inspection, 'networks' | 'problems'>;

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
    const known = { ...evidenceInMetadata(metadata), ...options };
    const parts = prefixedParts(tensors);
    const weights = parts.length > 0 ? parts.filter((part) => !part.startsWith('exp_avg')) : [''];
    const findings = joinFindings(
      weights.map((part) =>
        recogniseFamily(part, part === '' ? tensors : tensorsOfPart(tensors, part), known),
      ),
    );
    const [first] = Object.values(findings.networks);
    const moments = parts.includes('exp_avg') && {
      moments: Object.keys(tensorsOfPart(tensors, 'exp_avg')).length,
    };
    const counted = { ...stepIn(metadata), ...(moments || {}) };
    return { ...summary, ...counted, kind: first?.kind ?? kind, metadata: { ...metadata }, ...findings };
  }
  const { step, meta } = await loadCheckpoint(file);
  const moments = Object.keys(tensors).filter((name) => name.startsWith('moments.m.')).length;
  const counted = { step, ...(moments > 0 && { moments }) };
  return { ...summary, kind: 'checkpoint', ...counted, metadata: meta, networks: {}, problems: [] };
}

function stepIn({ steps }: Readonly<Record<string, unknown>>): { readonly step?: number } {
  return steps === undefined ? {} : { step: Number(steps) };
}

function joinFindings(findings: readonly Findings[]): Findings {
  return {
    networks: Object.assign({}, ...findings.map((found) => found.networks)),
    problems: findings.flatMap((found) => found.problems),
  };
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
  const record = await readTrainingRecord(file);
  const findings = joinFindings(
    read.map(({ part, tensors, known }) => recogniseFamily(part, tensors, { ...known, ...options })),
  );
  const prediction = describePrediction(record);
  const problems = [...findings.problems, ...(prediction === undefined ? [] : [prediction])];
  const family = record.family === 'LightningDiT' ? record.family : Object.values(findings.networks)[0]?.kind;
  const isCheckpoint = parts.length > 1 || record.args !== undefined;
  const kind = `${isCheckpoint ? 'PyTorch checkpoint' : 'PyTorch weights'}${family ? `: ${family}` : ''}`;
  const { family: _, ...counted } = record;
  const summary = { file, kind, ...sizes(Object.fromEntries(named)), ...counted };
  return { ...summary, metadata: { parts }, ...findings, problems };
}

function recogniseFamily(part: string, tensors: Tensors, options: KnownSizes): Findings {
  const foreign = describeForeign(plainNames(tensors));
  if (foreign !== undefined) return { networks: {}, problems: [inPart(part, foreign)] };
  if (!isFamily(tensors)) return { networks: {}, problems: [] };
  return findingsOf(part, recognise(tensors, toKnown(options)));
}

const findingsOf = (part: string, network: Recognised): Findings => ({
  networks: { [part]: network },
  problems: network.problems.map((problem) => inPart(part, problem)),
});

const inPart = (part: string, problem: string): string => (part === '' ? problem : `${part}: ${problem}`);

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
