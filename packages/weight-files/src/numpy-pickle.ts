/** Pickles of NumPy arrays, read without running them. */
import { readFile } from 'node:fs/promises';
import type { TensorEntry } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { toPlain } from './pickle-value.ts';
import type { TorchValue } from './torch.ts';

/**
 * Content of the bytes of `pickle.dump`: dicts as records, lists and tuples as arrays, NumPy arrays as tensors.
 * @throws Error where the pickle is damaged or holds anything else
 */
export function parseNumpyPickle(bytes: Uint8Array, source = 'a pickle'): TorchValue {
  const fail = (problem: string): never => {
    throw new Error(`${source}: ${problem}.`);
  };
  const leaves = {
    array: (entry: TensorEntry): TensorEntry => entry,
    tensor: () => fail('the pickle holds a PyTorch tensor without its archive'),
  };
  return toPlain<TensorEntry>(unpickle(bytes, source), leaves, fail);
}

/**
 * Reads a file of `pickle.dump`.
 * @throws Error where the file cannot be read, is damaged or holds anything else
 */
export async function readNumpyPickle(path: string): Promise<TorchValue> {
  return parseNumpyPickle(new Uint8Array(await readFile(path)), path);
}
