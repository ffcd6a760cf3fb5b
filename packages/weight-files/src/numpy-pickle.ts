/** Pickles of NumPy arrays, read without running them. */
import { readFile } from 'node:fs/promises';
import type { TensorEntry } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { toPlain } from './pickle-plain.ts';
import type { TorchValue } from './torch.ts';
import { Unread } from './unread.ts';

/**
 * Content of the bytes of `pickle.dump`: dicts as records, lists and tuples as arrays, NumPy arrays as tensors, objects of
 * other classes as `Unread`.
 * @throws Error where the pickle is damaged
 */
export function parseNumpyPickle(bytes: Uint8Array, source = 'a pickle'): TorchValue {
  return toPlain<TensorEntry | Unread>(unpickle(bytes, source).value, {
    array: (entry) => entry,
    tensor: () => new Unread('a PyTorch tensor without its archive'),
  });
}

/**
 * Reads a file of `pickle.dump`.
 * @throws Error where the file cannot be read or is damaged
 */
export async function readNumpyPickle(path: string): Promise<TorchValue> {
  return parseNumpyPickle(new Uint8Array(await readFile(path)), path);
}
