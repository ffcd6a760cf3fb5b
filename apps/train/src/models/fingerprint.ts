/** A hash of named tensors, to tell whether two sets of weights are the same. */
import { createHash } from 'node:crypto';
import type { TensorEntry } from '@ahpa/weight-files';

/** SHA-256 of names, types, shapes and values, in the order of the names. */
export function fingerprint(tensors: Readonly<Record<string, TensorEntry>>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) {
    const { dtype, shape, data } = tensors[name] as TensorEntry;
    hash.update(JSON.stringify([name, dtype, shape])).update(data);
  }
  return hash.digest('hex');
}
