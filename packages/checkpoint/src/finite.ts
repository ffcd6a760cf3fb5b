/** Looks for NaN and infinity in raw little-endian tensor bytes. */
import type { DType, TensorEntry } from '@ahpa/weight-files';

/** Element bytes, and the exponent's bits in an element's last and last but one byte: all ones in NaN and infinity only. */
const EXPONENTS: Partial<Readonly<Record<DType, readonly [number, number, number]>>> = {
  F64: [8, 0x7f, 0xf0],
  F32: [4, 0x7f, 0x80],
  BF16: [2, 0x7f, 0x80],
  F16: [2, 0x7c, 0x00],
};

/** Flat index of the first element that is not finite, or -1; integers are always finite. */
export function firstNonFinite({ dtype, data }: TensorEntry): number {
  const exponent = EXPONENTS[dtype];
  if (exponent === undefined) return -1;
  const [bytes, high, low] = exponent;
  for (let end = bytes - 1; end < data.length; end += bytes) {
    const isHigh = ((data[end] as number) & high) === high;
    if (isHigh && ((data[end - 1] as number) & low) === low) return (end + 1) / bytes - 1;
  }
  return -1;
}
