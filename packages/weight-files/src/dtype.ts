/** The element types of a safetensors file that this package reads and writes. */

/** Element type by its name in the file. */
export type DType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** One tensor: its type, its shape and its raw little-endian bytes in row-major order. */
export interface TensorEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** Bytes of one element; the order is that in which the reference writer lays out tensors of different types. */
export const ELEMENT_BYTES: ReadonlyMap<DType, number> = new Map<DType, number>([
  ['I64', 8],
  ['F64', 8],
  ['F32', 4],
  ['I32', 4],
  ['BF16', 2],
  ['F16', 2],
  ['I16', 2],
  ['I8', 1],
  ['U8', 1],
  ['BOOL', 1],
]);

/** Bytes of a tensor, or undefined where they are not a safe integer. */
export function byteLength(dtype: DType, shape: readonly number[]): number | undefined {
  let bytes = ELEMENT_BYTES.get(dtype) as number;
  for (const length of shape) {
    bytes *= length;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

/** Names that reach an object's prototype in less careful readers. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** A name from a file for an error message: quoted and shortened to a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}
