/** The golden files, read by the neighbour that reads weights; untyped because this package does not know it. */
import type { StateTensor } from '../src/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a module that this package does not depend on
const load = (name: string): Promise<any> => import(name);
const files = (): ReturnType<typeof load> => load(`${import.meta.dirname}/../../weight-files/src/index.ts`);

/** Path of a golden file. */
export const golden = (name: string): string => `${import.meta.dirname}/golden/${name}`;

/** Tensors of a golden file or folder. */
export async function tensorsOf(name: string, part?: string): Promise<Record<string, StateTensor>> {
  return (await files()).readWeights(golden(name), part === undefined ? {} : { part });
}

/** The whole value of a golden PyTorch file. */
export async function torchOf(name: string): Promise<Record<string, unknown>> {
  return (await (await files()).readTorch(golden(name))).value;
}

/** The bytes of a golden file, and of a safetensors file of tensors as this repository writes it. */
export async function bytesOf(name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await load('node:fs/promises')).readFile(golden(name)));
}

/** The bytes of a safetensors file with PyTorch's metadata. */
export async function encoded(tensors: Record<string, StateTensor>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = (await files()).encodeSafetensors(tensors, { format: 'pt' });
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  chunks.reduce((offset, chunk) => {
    all.set(chunk, offset);
    return offset + chunk.length;
  }, 0);
  return all;
}
