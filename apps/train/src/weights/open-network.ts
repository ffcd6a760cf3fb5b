/** Opens a network wherever it lies: a weights file of SiT, DiT or REPA, a folder of diffusers, or a model of ours. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { positionTable } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';
import {
  assertFinite,
  assertFits,
  type Convention,
  DIFFUSERS_CLASS,
  type Misfits,
  type Network,
  networkOfDiffusers,
  POSITIONS,
  type Reading,
  readState,
  type SitState,
} from '@ahpa/sit-weights';
import { readSafetensors, readWeights, type TensorEntry, toFloat32 } from '@ahpa/weight-files';
import type { Reporter } from '../report.ts';
import { loadModel } from '../run/load-model.ts';
import { isModelFolder } from '../run/model-folder.ts';
import type { TrainedModel } from '../run/trained-model.ts';
import { isTorch, readPart } from './file-parts.ts';

/** What files do not tell, or not always. */
export interface OpenOptions {
  /** Whose weights they are, where the tensors do not tell. */
  readonly from?: Convention;
  /** Entry of a training checkpoint; `ema` unless given. */
  readonly part?: string;
  readonly heads?: number;
  readonly latentSize?: number;
  /** Leave tensors out that belong to no known network instead of refusing the file. */
  readonly dropUnknown?: boolean;
  readonly runs: string;
  /** Which average of a run of ours. */
  readonly ema?: string;
}

/** A network in memory. */
export interface OpenNetwork {
  readonly source: string;
  readonly part: string;
  readonly state: SitState<TensorEntry>;
  /** Tensors that were left out on demand. */
  readonly unknown: readonly string[];
  /** What our own models know beside. */
  readonly model?: TrainedModel;
}

/** Reads and checks the network at `path`; every tensor that is missing, unknown or not finite is an error that names it. */
export async function openNetwork(
  path: string,
  options: OpenOptions,
  reporter: Reporter,
): Promise<OpenNetwork> {
  if (await isOurs(path, options.runs)) return ofModel(await loadModel(path, options, reporter));
  const folder = diffusersFolder(path);
  const { source, part, reading } =
    folder === undefined ? await readFileState(path, options) : await readDiffusers(folder);
  return { source, part, ...accept(reading, source, options) };
}

async function isOurs(path: string, runs: string): Promise<boolean> {
  if (path.startsWith('hf:')) return true;
  if (!existsSync(path)) return existsSync(join(runs, path));
  if (isModelFolder(path)) return diffusersFolder(path) === undefined;
  if (statSync(path).isDirectory()) return existsSync(join(path, 'checkpoints'));
  if (await isTorch(path)) return false;
  return (await readSafetensors(path, () => false)).metadata['schema'] !== undefined;
}

function ofModel(model: TrainedModel): OpenNetwork {
  const { network: config, weights, source } = model;
  const { qkNorm = false, learnSigma = false, convention = 'repa' } = config;
  const network: Network = { ...config, qkNorm, learnSigma, convention };
  const reading = readState(weights, { network });
  assertFits(reading, source);
  return {
    source,
    part: '',
    state: { ...reading.state, positions: positionsOf(network) },
    unknown: [],
    model,
  };
}

/** The fixed position table, as files hold it. */
function positionsOf({ latentSize, patchSize, hiddenSize }: Network): TensorEntry {
  const grid = latentSize / patchSize;
  const data = new Uint8Array(positionTable(grid, hiddenSize).buffer);
  return { dtype: 'F32', shape: [1, grid * grid, hiddenSize], data };
}

function accept(
  { state, misfits }: Reading<TensorEntry>,
  source: string,
  { dropUnknown }: OpenOptions,
): Pick<OpenNetwork, 'state' | 'unknown'> {
  const unknown = dropUnknown ? misfits.unknown : [];
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

const POSITION_TOLERANCE = 1e-5;

/** Refuses a position table that is not the fixed one: the network computes its own. */
function assertPositions({ positions, network }: SitState<TensorEntry>, source: string): void {
  if (positions === undefined) return;
  const [found, wanted] = [toFloat32(positions), toFloat32(positionsOf(network))];
  const tolerance = positions.dtype === 'F32' ? POSITION_TOLERANCE : 1e-2;
  const at = found.findIndex((value, i) => !(Math.abs(value - (wanted[i] as number)) <= tolerance));
  if (at < 0) return;
  throw new Error(
    `${source}: element ${at} of ${POSITIONS} is ${found[at]}, wanted ${wanted[at]}: the network was trained with other positions than the fixed sines and cosines.`,
  );
}

interface SourceState {
  readonly source: string;
  readonly part: string;
  readonly reading: Reading<TensorEntry>;
}

async function readFileState(path: string, options: OpenOptions): Promise<SourceState> {
  const { from, heads, latentSize } = options;
  const { part, tensors } = await readPart(path, options.part);
  const known = {
    ...(from && { convention: from }),
    ...(heads && { heads }),
    ...(latentSize && { latentSize }),
  };
  return { source: path, part, reading: readState(tensors, known) };
}

/** The folder of a diffusers transformer: itself, or the `transformer` of a pipeline. */
export function diffusersFolder(path: string): string | undefined {
  return [path, join(path, 'transformer')].find((folder) => {
    const file = join(folder, 'config.json');
    return (
      existsSync(file) &&
      statSync(folder).isDirectory() &&
      readFileSync(file, 'utf8').includes(`"${DIFFUSERS_CLASS}"`)
    );
  });
}

/** The configuration beside the weights of a diffusers model. */
export async function readDiffusersConfig(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
}

async function readDiffusers(folder: string): Promise<SourceState> {
  const config = await readDiffusersConfig(folder);
  const reading = readState(await readWeights(folder), { network: networkOfDiffusers(config) });
  return { source: folder, part: '', reading };
}
