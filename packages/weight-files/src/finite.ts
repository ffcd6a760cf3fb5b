/** Looks for NaN and infinity in raw little-endian tensor bytes. */
import { type DType, quote, type TensorEntry } from './dtype.ts';

/** Words of an element, their bytes, and the bits of the exponent in the last of them: all ones in NaN and infinity only. */
const EXPONENTS: Partial<Readonly<Record<DType, readonly [words: number, bytes: 2 | 4, exponent: number]>>> =
  {
    F64: [2, 4, 0x7ff0_0000],
    F32: [1, 4, 0x7f80_0000],
    BF16: [1, 2, 0x7f80],
    F16: [1, 2, 0x7c00],
  };

/** Flat index of the first element that is not finite, or -1; integers are always finite. */
export function firstNonFinite({ dtype, data }: Pick<TensorEntry, 'dtype' | 'data'>): number {
  const form = EXPONENTS[dtype];
  if (form === undefined) return -1;
  const [words, bytes, exponent] = form;
  const aligned = data.byteOffset % bytes === 0 ? data : data.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  const length = byteLength / bytes;
  const view =
    bytes === 4 ? new Uint32Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length);
  for (let i = words - 1; i < view.length; i += words) {
    if (((view[i] as number) & exponent) === exponent) return (i + 1) / words - 1;
  }
  return -1;
}

/**
 * Checks that all tensors of `source` are finite; the sentence of the error ends with `remedy`.
 * @throws one sentence with source, tensor and place of the first element that is NaN or infinite
 */
export function assertFinite(
  tensors: Readonly<Record<string, TensorEntry>>,
  source: string,
  remedy = 'wanted finite numbers, so take another copy of the file.',
): void {
  for (const [name, entry] of Object.entries(tensors)) {
    const index = firstNonFinite(entry);
    if (index >= 0)
      throw new Error(`${source}: tensor ${quote(name)} is not finite at flat index ${index}; ${remedy}`);
  }
}
