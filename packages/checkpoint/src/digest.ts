/** Hashes that detect a damaged checkpoint. */
import { createHash, type Hash } from 'node:crypto';
import type { TensorEntry } from '@ahpa/weight-files';

/** Longest piece that a hash takes at once. */
const PIECE_BYTES = 1 << 30;

/** SHA-256, hex, of texts. */
export const digestTexts = (texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex');

/** SHA-256, hex, of a tensor's dtype, shape and bytes. */
export function digestTensor({ dtype, shape, data }: TensorEntry): string {
  const hash = createHash('sha256').update(JSON.stringify([dtype, shape]));
  updateBytes(hash, data);
  return hash.digest('hex');
}

/** The single hash of schema 1: of `head` and of the name, dtype, shape and bytes of every tensor by name. */
export function digestWhole(head: readonly string[], tensors: Readonly<Record<string, TensorEntry>>): string {
  const hash = createHash('sha256').update(JSON.stringify(head));
  for (const name of Object.keys(tensors).sort()) {
    const { dtype, shape, data } = tensors[name] as TensorEntry;
    hash.update(JSON.stringify([name, dtype, shape, data.byteLength]));
    updateBytes(hash, data);
  }
  return hash.digest('hex');
}

function updateBytes(hash: Hash, data: Uint8Array): void {
  for (let start = 0; start < data.byteLength; start += PIECE_BYTES) {
    hash.update(data.subarray(start, start + PIECE_BYTES));
  }
}
