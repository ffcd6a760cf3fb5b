/** Conversion between raw bytes and Float32Array; narrowing rounds to nearest, ties to even. */
import { byteLength, type TensorEntry } from './dtype.ts';

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The value of the bits of a float16. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Adds just under half a unit of the kept bits, plus one where they are odd, and drops the rest. */
function roundShift(value: number, shift: number): number {
  return (value + (1 << (shift - 1)) - 1 + ((value >>> shift) & 1)) >>> shift;
}

function floatToHalf(value: number): number {
  float[0] = value;
  const sign = ((bits[0] as number) >>> 16) & 0x8000;
  const magnitude = (bits[0] as number) & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  float[0] = Math.abs(value) + 0.5; // aligns a subnormal half with the last bits of the float, which rounds it
  return sign | ((bits[0] as number) - 0x3f000000);
}

function floatToBrain(value: number): number {
  float[0] = value;
  const pattern = bits[0] as number;
  return (pattern & 0x7fffffff) > 0x7f800000 ? (pattern >>> 16) | 0x40 : roundShift(pattern, 16);
}

/** Values of the 256 bytes of a small float; `special` gives those of its last exponent. */
function smallFloats(
  exponentBits: number,
  fractionBits: number,
  special: (fraction: number) => number,
): Float32Array {
  const bias = 2 ** (exponentBits - 1) - 1;
  const steps = 2 ** fractionBits;
  return Float32Array.from({ length: 256 }, (_, byte) => {
    const sign = byte & 0x80 ? -1 : 1;
    const exponent = (byte & 0x7f) >>> fractionBits;
    const fraction = byte & (steps - 1);
    if (exponent === 2 ** exponentBits - 1) return sign * special(fraction);
    const scale = 2 ** (Math.max(exponent, 1) - bias - fractionBits);
    return sign * ((exponent === 0 ? 0 : steps) + fraction) * scale;
  });
}

/** Values by byte: E4M3 has no infinity and NaN only where all bits are set, E5M2 is float16 cut in half. */
const SMALL: Readonly<Record<string, Float32Array>> = {
  F8_E4M3: smallFloats(4, 3, (fraction) => (fraction === 7 ? Number.NaN : (8 + fraction) * 2 ** 5)),
  F8_E5M2: smallFloats(5, 2, (fraction) => (fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN)),
};

function brainToFloat(brain: number): number {
  bits[0] = brain << 16;
  return float[0] as number;
}

/** A plain loop: `from` with a function is many times slower on typed arrays. */
function mapInto<T extends Float32Array | Uint16Array>(
  result: T,
  values: Float32Array | Uint16Array | Uint8Array,
  map: (value: number) => number,
): T {
  for (let i = 0; i < values.length; i++) result[i] = map(values[i] as number);
  return result;
}

/** The bytes at an address that 8-byte elements may have; copied only if they are elsewhere. */
function aligned(data: Uint8Array): Uint8Array {
  return data.byteOffset % 8 === 0 ? data : new Uint8Array(data);
}

/**
 * Values of an F64, F32, F16, BF16, F8_E4M3 or F8_E5M2 tensor; an F32 result shares the entry's memory where its alignment allows.
 * @throws Error where the dtype is not floating point
 */
export function toFloat32({ dtype, data }: TensorEntry): Float32Array {
  const { buffer, byteOffset, byteLength: bytes } = aligned(data);
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, bytes / 4);
  if (dtype === 'F64') return Float32Array.from(new Float64Array(buffer, byteOffset, bytes / 8));
  const small = SMALL[dtype];
  if (small) return mapInto(new Float32Array(bytes), data, (byte) => small[byte] as number);
  const widen = { F16: halfToFloat, BF16: brainToFloat }[dtype as string];
  if (!widen)
    throw new Error(
      `A tensor of dtype ${dtype} is not floating point, wanted F64, F32, F16, BF16, F8_E4M3 or F8_E5M2.`,
    );
  return mapInto(new Float32Array(bytes / 2), new Uint16Array(buffer, byteOffset, bytes / 2), widen);
}

/**
 * A tensor of the given type from float32 values; F32 shares the memory of `data`.
 * @throws Error where shape and number of values differ
 */
export function fromFloat32(
  data: Float32Array,
  shape: readonly number[],
  dtype: 'F32' | 'F16' | 'BF16',
): TensorEntry {
  if (byteLength('F32', shape) !== data.byteLength) {
    throw new Error(`Shape [${shape}] does not fit ${data.length} values, wanted their product to be equal.`);
  }
  const narrow = { F32: undefined, F16: floatToHalf, BF16: floatToBrain }[dtype];
  const values = narrow ? mapInto(new Uint16Array(data.length), data, narrow) : data;
  return {
    dtype,
    shape: [...shape],
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

/** The tensor as F32; one that is F32 already is itself. @throws Error where the dtype is not floating point */
export const inFloat32 = (entry: TensorEntry): TensorEntry =>
  entry.dtype === 'F32' ? entry : fromFloat32(toFloat32(entry), entry.shape, 'F32');
