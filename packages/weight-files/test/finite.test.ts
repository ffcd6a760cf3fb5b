import { describe, expect, it } from 'vitest';
import { assertFinite, type DType, firstNonFinite, type TensorEntry } from '../src/index.ts';

const entry = (dtype: DType, { buffer, length }: Float64Array | Float32Array | Uint16Array): TensorEntry => ({
  dtype,
  shape: [length],
  data: new Uint8Array(buffer as ArrayBuffer),
});

const LARGEST = 3.4028234663852886e38;

describe('firstNonFinite', () => {
  it.each([
    ['F64', Float64Array.of(Number.MAX_VALUE, -5e-324, 0, Number.NaN), 3],
    ['F64', Float64Array.of(1, Number.NEGATIVE_INFINITY, Number.NaN), 1],
    ['F32', Float32Array.of(LARGEST, -LARGEST, 1e-45, Number.POSITIVE_INFINITY), 3],
    ['F32', Float32Array.of(Number.NaN, 1), 0],
    ['F16', Uint16Array.of(0x7bff, 0xfbff, 0xfc00), 2],
    ['BF16', Uint16Array.of(0x7f7f, 0x7fc0), 1],
    ['F32', Float32Array.of(LARGEST, -LARGEST, -0), -1],
  ] as const)('of %s %j is %i', (dtype, values, index) => {
    expect(firstNonFinite(entry(dtype, values))).toBe(index);
  });

  it('is -1 of integers, whatever their bits', () => {
    expect(firstNonFinite({ dtype: 'I32', data: new Uint8Array(8).fill(255) })).toBe(-1);
  });
});

describe('assertFinite', () => {
  it('names source, tensor and place', () => {
    const tensors = {
      good: entry('F32', Float32Array.of(1)),
      bad: entry('F32', Float32Array.of(1, Number.NaN)),
    };
    expect(() => assertFinite(tensors, 'a.pt')).toThrow(
      'a.pt: tensor "bad" is not finite at flat index 1; wanted',
    );
    expect(() => assertFinite({ good: tensors.good }, 'a.pt')).not.toThrow();
  });
});
