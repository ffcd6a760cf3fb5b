/** The element types of safetensors files. */

/** Element type by its name in a safetensors file. */
export type DType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U8'
  | 'BOOL'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'C64'
  | 'F8_E4M3'
  | 'F8_E5M2'
  | 'F8_E8M0'
  | 'F6_E3M2'
  | 'F6_E2M3'
  | 'F4';

/** One tensor: its type, its shape and its raw little-endian bytes in row-major order. */
export interface TensorEntry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A tensor that is still in its file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The tensor in row-major order. */
  read(): Promise<TensorEntry>;
}

/** Bytes of one element; the order is that in which the reference writer lays out tensors of different types. */
export const ELEMENT_BYTES: ReadonlyMap<DType, number> = new Map<DType, number>([
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
  ['C64', 8],
  ['F32', 4],
  ['U32', 4],
  ['I32', 4],
  ['BF16', 2],
  ['F16', 2],
  ['U16', 2],
  ['I16', 2],
  ['F8_E4M3', 1],
  ['F8_E8M0', 1],
  ['F8_E5M2', 1],
  ['I8', 1],
  ['U8', 1],
  ['F6_E3M2', 0.75],
  ['F6_E2M3', 0.75],
  ['F4', 0.5],
  ['BOOL', 1],
]);

/** Bytes of a tensor, or undefined where they are not a safe integer. */
export function byteLength(dtype: DType, shape: readonly number[]): number | undefined {
  let elements = 1;
  for (const length of shape) {
    elements *= length;
    if (!Number.isSafeInteger(8 * elements)) return undefined;
  }
  const bytes = elements * (ELEMENT_BYTES.get(dtype) as number);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Names that reach an object's prototype in less careful readers. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** A name from a file for an error message: quoted and shortened to a line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);
}
