/** The hash that tells a whole checkpoint from a damaged one. */
import { createHash } from 'node:crypto';
import type { TensorEntry } from '@ahpa/weight-files';

/** Longest piece that a hash takes at once. */
const PIECE_BYTES = 1 << 30;

/** SHA-256, hex, of `head` and of the name, dtype, shape and bytes of every tensor, in the order of their names. */
export function digest(head: readonly string[], tensors: Readonly<Record<string, TensorEntry>>): string {
  const hash = createHash('sha256').update(JSON.stringify(head));
  for (const name of Object.keys(tensors).sort()) {
    const { dtype, shape, data } = tensors[name] as TensorEntry;
    hash.update(JSON.stringify([name, dtype, shape, data.byteLength]));
    for (let start = 0; start < data.byteLength; start += PIECE_BYTES) {
      hash.update(data.subarray(start, start + PIECE_BYTES));
    }
  }
  return hash.digest('hex');
}
