/** State dicts of a weights file by part, for any network. */
import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { userError } from '@ahpa/messages';
import { type Network, nameMoments } from '@ahpa/sit-weights';
import {
  openTorch,
  readSafetensors,
  readTorch,
  readWeights,
  type TensorEntry,
  type TorchValue,
  torchStateDict,
} from '@ahpa/weight-files';

/** Tensors of one part of a file. */
export interface FilePart {
  /** `model`, `ema` or another entry of a training checkpoint; '' where the file is one state dict. */
  readonly part: string;
  readonly tensors: Readonly<Record<string, TensorEntry>>;
}

/** Whether a file starts as a zip archive, which PyTorch's files do. */
export async function isTorch(path: string): Promise<boolean> {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  return buffer.toString('latin1') === 'PK';
}

/** Names of the parts of a PyTorch file that hold tensors by name; none where it is one state dict. */
export async function torchParts(path: string): Promise<readonly string[]> {
  const file = await openTorch(path);
  await file.close();
  const { value } = file;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value as Record<string, TorchValue<never>>).flatMap(([part, content]) =>
    holdsTensors(content) ? [part] : [],
  );
}

function holdsTensors(value: unknown): boolean {
  const isTensor = (item: unknown): boolean => typeof (item as { read?: unknown })?.read === 'function';
  if (typeof value !== 'object' || value === null || isTensor(value)) return false;
  return Object.values(value).some(isTensor);
}

/**
 * The tensors of a file; of a training checkpoint those of `part`, default `ema`.
 * @throws Error where there is no such part, or several and none is named
 */
export async function readPart(path: string, part?: string): Promise<FilePart> {
  if (!(await isTorch(path))) {
    if (part === undefined) return { part: '', tensors: await readWeights(path) };
    const { tensors } = await readSafetensors(path);
    const own = Object.entries(tensors).filter(([name]) => name.startsWith(`${part}.`));
    if (own.length === 0) throw userError(`${path} has no tensors under "${part}.": name another --part.`);
    return {
      part,
      tensors: Object.fromEntries(own.map(([name, tensor]) => [name.slice(part.length + 1), tensor])),
    };
  }
  const parts = await torchParts(path);
  const chosen = part ?? (parts.includes('ema') ? 'ema' : parts.length === 1 ? parts[0] : undefined);
  if (chosen !== undefined && !parts.includes(chosen)) {
    throw userError(`${path} has no part "${chosen}": it has ${parts.join(', ') || 'a single state dict'}.`);
  }
  if (chosen === undefined && parts.length > 0) {
    throw userError(`${path} has several parts, ${parts.join(', ')}: name one with --part.`);
  }
  return {
    part: chosen ?? '',
    tensors: await readWeights(path, chosen === undefined ? {} : { part: chosen }),
  };
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
  const parts = (await torchParts(path)).map((part) => ({ part, tensors: torchStateDict(value, part) }));
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
