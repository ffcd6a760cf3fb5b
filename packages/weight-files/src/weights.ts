/** Reading of weights from any supported file or folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorEntry } from './dtype.ts';
import { readSafetensors } from './safetensors.ts';
import { readShards } from './sharded.ts';
import { openSource } from './source.ts';
import { torchStateDict } from './state-dict.ts';
import { openTorch } from './torch.ts';
import { checkTotal } from './torch-read.ts';

/** Options of `readWeights`. */
export interface ReadWeightsOptions {
  /** Entry of a training checkpoint, such as `ema`. */
  readonly part?: string;
  /** Tensors for which this is false are not read. */
  readonly keep?: (name: string) => boolean;
}

/** Names of diffusers' and transformers' weights. */
const NAMES = [
  ['diffusion_pytorch_model', 'diffusion_pytorch_model'],
  ['model', 'pytorch_model'],
] as const;

/** Weights of a Hugging Face model folder, in the order of preference: whole precision first, then its variants. */
export const WEIGHTS_IN_FOLDER: readonly string[] = ['', '.bf16', '.fp16'].flatMap((variant) =>
  NAMES.flatMap(([name, torch]) => [
    `${name}${variant}.safetensors`,
    `${name}.safetensors.index${variant}.json`,
    `${torch}${variant}.bin`,
    `${torch}.bin.index${variant}.json`,
  ]),
);

/** Whether a path is named as the index of shards. */
export const isIndex = (path: string): boolean => /\.index(\.\w+)?\.json$/.test(path);

async function fileIn(folder: string): Promise<string> {
  const names = await readdir(folder);
  const found = WEIGHTS_IN_FOLDER.find((name) => names.includes(name));
  if (found === undefined) {
    throw new Error(
      `${folder}: the folder has no weights under a known name, wanted one of ${WEIGHTS_IN_FOLDER.join(', ')}; give the file's own path.`,
    );
  }
  return join(folder, found);
}

async function isSafetensors(path: string): Promise<boolean> {
  const source = await openSource(path);
  const start = await source.read(0, Math.min(9, source.size)).finally(() => source.close());
  return start[8] === 0x7b;
}

/** The file's name before the problem of its content. */
function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

async function readTorchWeights(
  path: string,
  { part, keep }: ReadWeightsOptions,
): Promise<Record<string, TensorEntry>> {
  const file = await openTorch(path);
  try {
    const dict = inFile(path, () => torchStateDict(file.value, part, keep));
    checkTotal(new Set(Object.values(dict)), file.size, path);
    const read: Record<string, TensorEntry> = Object.create(null);
    for (const [name, tensor] of Object.entries(dict)) read[name] = await tensor.read();
    return read;
  } finally {
    await file.close();
  }
}

async function readFileWeights(
  path: string,
  options: ReadWeightsOptions,
): Promise<Record<string, TensorEntry>> {
  if (await isSafetensors(path)) return (await readSafetensors(path, options.keep)).tensors;
  return readTorchWeights(path, options);
}

/**
 * Tensors by name from a safetensors file, a PyTorch file, the index of shards of either, or a model folder of Hugging Face's
 * layout (safetensors before shards before `.bin`, whole precision before `fp16`). The kind of a file is detected from its
 * content.
 * @throws Error where there are no weights, or a file is damaged or a wanted tensor not supported
 */
export async function readWeights(
  path: string,
  options: ReadWeightsOptions = {},
): Promise<Record<string, TensorEntry>> {
  const file = (await stat(path)).isDirectory() ? await fileIn(path) : path;
  if (!isIndex(file)) return readFileWeights(file, options);
  return readShards(file, options.keep ?? (() => true), (shard, keep) => readFileWeights(shard, { keep }));
}
