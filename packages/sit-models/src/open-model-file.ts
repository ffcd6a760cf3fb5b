/** Opens and checks published weights: a file of SiT, DiT or REPA, or a folder of diffusers. */
import type { DiTConfig } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';
import {
  assertFinite,
  assertFits,
  findPrefix,
  type Known,
  type Misfits,
  parseDiffusersConfig,
  type Reading,
  readState,
  type SitState,
} from '@ahpa/sit-weights';
import { isIndex, isTorch, readWeights, type TensorEntry } from '@ahpa/weight-files';
import { diffusersFolder, readDiffusersConfig } from './diffusers-folder.ts';
import { type FilePart, readPart } from './file-parts.ts';
import { type KnownSizes, toKnown, toNetwork } from './known-sizes.ts';
import { assertPositions, positionTensor } from './positions.ts';
import { describePrediction, readTrainingRecord, type TrainingRecord } from './training-record.ts';
import { assertDroppable } from './unknown-tensors.ts';

/** Choices for opening a file. */
export interface OpenOptions extends KnownSizes {
  /** Entry of a training checkpoint; default `ema`. */
  readonly part?: string;
  /** Leave unexpected tensors out instead of refusing the file. */
  readonly dropUnknown?: boolean;
}

/** A checked network in memory. */
export interface OpenedModel<Own = unknown> {
  /** Path of the file or folder. */
  readonly source: string;
  /** Entry of a training checkpoint; '' where the file is one state dict. */
  readonly part: string;
  /** Prefix before the names of the network's tensors; absent where there is none. */
  readonly prefix?: string;
  readonly state: SitState<TensorEntry>;
  /** Unexpected tensors that were left out. */
  readonly unknown: readonly string[];
  /** The application's own record of the model, where it was opened from one. */
  readonly own?: Own;
}

/**
 * The network in a weights file or a folder of diffusers.
 * @throws Error that names every missing, unexpected or misshapen tensor, or the first value that is not finite
 */
export async function openModelFile(path: string, options: OpenOptions = {}): Promise<OpenedModel<never>> {
  const folder = diffusersFolder(path);
  const { source, part, reading, prefix } =
    folder === undefined ? await readFileState(path, options) : await readDiffusers(folder);
  return { source, part, ...(prefix && { prefix }), ...accept(reading, source, options) };
}

/**
 * The network of weights that are in memory under SiT's names, with the position table of its configuration.
 * @throws Error where tensors and configuration do not fit
 */
export function openWeights(
  weights: Readonly<Record<string, TensorEntry>>,
  config: DiTConfig,
  source: string,
): OpenedModel<never> {
  const network = toNetwork(config);
  const reading = readState(weights, { network });
  assertFits(reading, source);
  return { source, part: '', state: { ...reading.state, positions: positionTensor(network) }, unknown: [] };
}

function accept(
  { state, misfits }: Reading<TensorEntry>,
  source: string,
  { dropUnknown }: OpenOptions,
): Pick<OpenedModel, 'state' | 'unknown'> {
  const unknown = dropUnknown ? misfits.unknown : [];
  assertDroppable(unknown, source);
  const left: Misfits = dropUnknown ? { ...misfits, unknown: [] } : misfits;
  try {
    assertFits({ state, misfits: left }, source);
    assertFinite(state.heads, source);
    assertPositions(state, source);
  } catch (cause) {
    throw userError((cause as Error).message, { cause });
  }
  return { state, unknown };
}

interface SourceState {
  readonly source: string;
  readonly part: string;
  readonly reading: Reading<TensorEntry>;
  readonly prefix?: string;
}

async function readFileState(path: string, options: OpenOptions): Promise<SourceState> {
  const { part, tensors, known } = await readPart(path, options.part);
  if (!isIndex(path) && (await isTorch(path))) assertVelocity(path, await readTrainingRecord(path));
  const reading = readTensors(path, tensors, toKnown({ ...known, ...options }));
  return { source: path, part, reading, prefix: findPrefix(Object.keys(tensors)) };
}

/** Refuses a network whose training arguments name another prediction than velocity. */
function assertVelocity(path: string, record: TrainingRecord): void {
  const problem = describePrediction(record);
  if (problem !== undefined) throw userError(`${path} cannot be read: ${problem}.`);
}

/** The state of tensors; their problems as errors of the user. */
function readTensors(path: string, tensors: FilePart['tensors'], known: Known): Reading<TensorEntry> {
  try {
    return readState(tensors, known);
  } catch (cause) {
    throw userError(`${path}: ${(cause as Error).message}`, { cause });
  }
}

async function readDiffusers(folder: string): Promise<SourceState> {
  const config = await readDiffusersConfig(folder);
  const reading = readState(await readWeights(folder), { network: parseDiffusersConfig(config) });
  return { source: folder, part: '', reading };
}
