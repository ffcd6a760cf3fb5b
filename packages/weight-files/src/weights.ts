/** Reading of weights from any supported file or folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorEntry } from './dtype.ts';
import { readSafetensors } from './safetensors.ts';
import { readShardedSafetensors } from './sharded.ts';
import { openSource } from './source.ts';
import { openTorch } from './torch.ts';
import { checkTotal, torchStateDict } from './torch-read.ts';

/** Options of `readWeights`. */
export interface ReadWeightsOptions {
  /** Entry of a training checkpoint, such as `ema`. */
  readonly part?: string;
  /** Tensors for which this is false are not read. */
  readonly keep?: (name: string) => boolean;
}

/** Weights of a Hugging Face model folder, in the order of preference. */
export const WEIGHTS_IN_FOLDER: readonly string[] = ['diffusion_pytorch_model', 'model'].flatMap((name) => [
  `${name}.safetensors`,
  `${name}.safetensors.index.json`,
  `${name === 'model' ? 'pytorch_model' : name}.bin`,
]);

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

async function readTorchWeights(
  path: string,
  { part, keep }: ReadWeightsOptions,
): Promise<Record<string, TensorEntry>> {
  const file = await openTorch(path);
  try {
    const dict = torchStateDict(file.value, part);
    const chosen = Object.entries(dict).filter(([name]) => keep?.(name) ?? true);
    checkTotal(new Set(chosen.map(([, tensor]) => tensor)), file.size, path);
    const read: Record<string, TensorEntry> = Object.create(null);
    for (const [name, tensor] of chosen) read[name] = await tensor.read();
    return read;
  } finally {
    await file.close();
  }
}

/**
 * Tensors by name from a safetensors file, its index of shards, a PyTorch file, or a model folder of Hugging Face's layout
 * (safetensors before shards before `.bin`). The kind of a file is detected from its content.
 * @throws Error where there are no weights, or a file is damaged or not supported
 */
export async function readWeights(
  path: string,
  options: ReadWeightsOptions = {},
): Promise<Record<string, TensorEntry>> {
  const file = (await stat(path)).isDirectory() ? await fileIn(path) : path;
  if (file.endsWith('.index.json')) return readShardedSafetensors(file, options.keep);
  if (await isSafetensors(file)) return (await readSafetensors(file, options.keep)).tensors;
  return readTorchWeights(file, options);
}
