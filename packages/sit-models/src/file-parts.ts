/** State dicts of a weights file by part, for any network. */
import { existsSync, statSync } from 'node:fs';
import { CONVENTIONS } from '@ahpa/dit-core';
import { userError } from '@ahpa/messages';
import { type Network, nameMoments } from '@ahpa/sit-weights';
import {
  isIndex,
  isRecord,
  isTorch,
  onlyStateDict,
  openTorch,
  readSafetensors,
  readTorch,
  readWeights,
  type StoredTensor,
  type TensorEntry,
  type TorchValue,
  torchPartNames,
  torchStateDict,
} from '@ahpa/weight-files';
import type { KnownSizes } from './known-sizes.ts';
import { evidenceIn, readTrainingRecord } from './training-record.ts';

type Tensors = Readonly<Record<string, TensorEntry>>;

/** Tensors of one part of a file. */
export interface FilePart {
  /** `model`, `ema` or another entry of a training checkpoint; '' where the file is one state dict. */
  readonly part: string;
  readonly tensors: Tensors;
  /** Weight convention and classes that the file's metadata or the arguments of its training tell. */
  readonly known?: KnownSizes;
}

/** Names of the parts of a PyTorch file that hold tensors by name; none where it is one state dict. */
export async function torchParts(path: string): Promise<readonly string[]> {
  const file = await openTorch(path);
  await file.close();
  return torchPartNames(file.value);
}

/** Names of all tensors of a file or its shards; of a PyTorch file those of its state dict, none where there are several. */
export async function tensorNames(path: string): Promise<readonly string[]> {
  if (!isIndex(path) && (await isTorch(path))) {
    const file = await openTorch(path);
    await file.close();
    const { value } = file;
    const parts = torchPartNames(value);
    const part = onlyStateDict(parts);
    const dict = part !== undefined && isRecord<StoredTensor>(value) ? value[part] : value;
    return isRecord<StoredTensor>(dict) && (parts.length === 0 || part !== undefined)
      ? Object.keys(dict)
      : [];
  }
  const names: string[] = [];
  await readWeights(path, { keep: (name) => names.push(name) < 0 });
  return names;
}

/** Parts of a whole training checkpoint as a safetensors file, before the names. */
const PREFIX = /^(model|ema|exp_avg|exp_avg_sq)\./;

/** Names of the parts of tensors that all have such a part before their name; none where they are one state dict. */
export function prefixedParts(tensors: Tensors): readonly string[] {
  const parts = Object.keys(tensors).map((name) => PREFIX.exec(name)?.[1]);
  return parts.includes(undefined) ? [] : [...new Set(parts as string[])];
}

/** The tensors of one part by their names without it. */
export function tensorsOfPart(tensors: Tensors, part: string): Tensors {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(`${part}.`));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(part.length + 1), tensor]));
}

/** Weight convention and classes in the metadata of a safetensors file, as `convertModelFile` writes them. */
export function evidenceInMetadata({ convention, classes }: Readonly<Record<string, unknown>>): KnownSizes {
  const from = CONVENTIONS.find((name) => name === convention);
  const count = Number(classes);
  return { ...(from && { from }), ...(Number.isInteger(count) && count > 0 && { classes: count }) };
}

/**
 * The tensors of a file; of a training checkpoint those of `part`, default `ema`.
 * @throws Error where there is no such part, or several and none is named
 */
export async function readPart(path: string, part?: string): Promise<FilePart> {
  return !isIndex(path) && (await isTorch(path))
    ? readTorchPart(path, part)
    : readSafetensorsPart(path, part);
}

async function readSafetensorsPart(path: string, wanted: string | undefined): Promise<FilePart> {
  if (isIndex(path)) return { part: '', tensors: await readWeights(path), known: {} };
  const { tensors, metadata } = await readSafetensors(path);
  const known = evidenceInMetadata(metadata);
  const part = wanted ?? (prefixedParts(tensors).includes('ema') ? 'ema' : undefined);
  if (part === undefined) return { part: '', tensors, known };
  const own = tensorsOfPart(tensors, part);
  if (Object.keys(own).length > 0) return { part, tensors: own, known };
  throw userError(`${path} has no tensors under "${part}.": name another --part.`);
}

async function readTorchPart(path: string, part: string | undefined): Promise<FilePart> {
  const parts = await torchParts(path);
  const chosen = part ?? (parts.includes('ema') ? 'ema' : onlyStateDict(parts));
  if (chosen !== undefined && !parts.includes(chosen)) {
    const only = onlyStateDict(parts);
    const whole =
      parts.length === 0 ? await readWeights(path) : only ? await readWeights(path, { part: only }) : {};
    const own = tensorsOfPart(whole, chosen);
    if (Object.keys(own).length > 0) return { part: chosen, tensors: own };
    throw userError(`${path} has no part "${chosen}": it has ${parts.join(', ') || 'a single state dict'}.`);
  }
  if (chosen === undefined && parts.length > 0) {
    throw userError(`${path} has several parts, ${parts.join(', ')}: name one with --part.`);
  }
  const tensors = await readWeights(path, chosen === undefined ? {} : { part: chosen });
  return { part: chosen ?? '', tensors, known: evidenceIn(await readTrainingRecord(path), tensors) };
}

/** A whole training checkpoint: weights, their average, and the moments of the optimizer by parameter. */
export interface TrainingParts {
  readonly parts: readonly FilePart[];
  /** Updates made by the optimizer. */
  readonly updates: number;
  /** Steps of training, where the file counts them. */
  readonly steps: number | undefined;
  /** The network, where a configuration gives it. */
  readonly network?: Network;
  /** Tensors of the source that are in no part. */
  readonly left?: readonly string[];
}

/**
 * Reads a PyTorch training checkpoint of REPA whole: `model`, `ema`, `opt`, `steps`.
 * @throws Error where model or opt is missing
 */
export async function readTraining(path: string): Promise<TrainingParts> {
  if (!existsSync(path) || statSync(path).isDirectory() || !(await isTorch(path))) {
    throw userError(
      `${path} is no training checkpoint: wanted a PyTorch file with model and opt, or a run; leave --part all away.`,
    );
  }
  const { value } = await readTorch(path);
  const record = value as Record<string, TorchValue>;
  const training = await readTrainingRecord(path);
  const parts = (await torchParts(path)).map((part): FilePart => {
    const tensors = torchStateDict(value, part);
    return { part, tensors, known: evidenceIn(training, tensors) };
  });
  const model = parts.find(({ part }) => part === 'model');
  const { opt, steps } = record;
  if (model === undefined || opt === undefined) {
    throw userError(`${path} is no training checkpoint with model and opt: name one --part of it.`);
  }
  const { first, second, updates } = nameMoments<TensorEntry>(opt as never, model.tensors);
  return {
    parts: [...parts, { part: 'exp_avg', tensors: first }, { part: 'exp_avg_sq', tensors: second }],
    updates,
    steps: typeof steps === 'number' ? steps : undefined,
  };
}
