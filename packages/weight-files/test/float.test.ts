import { describe, expect, it } from 'vitest';
import { fromFloat32, type TensorEntry, toFloat32 } from '../src/index.ts';

const allBits = Uint16Array.from({ length: 65536 }, (_, i) => i);

function entryOf(bits: Uint16Array, dtype: 'F16' | 'BF16'): TensorEntry {
  return { dtype, shape: [bits.length], data: new Uint8Array(bits.buffer) };
}

function bitsOf(values: readonly number[], dtype: 'F16' | 'BF16'): number[] {
  const { data } = fromFloat32(Float32Array.from(values), [values.length], dtype);
  return [...new Uint16Array(data.buffer)];
}

describe.each(['F16', 'BF16'] as const)('%s', (dtype) => {
  const values = toFloat32(entryOf(allBits, dtype));

  it('widens and narrows every pattern to itself', () => {
    const back = new Uint16Array(fromFloat32(values, [65536], dtype).data.buffer);
    values.forEach((value, i) => {
      if (Number.isNaN(value)) expect(toFloat32(entryOf(back.slice(i, i + 1), dtype))[0]).toBeNaN();
      else if (back[i] !== i) throw new Error(`pattern ${i} (${value}) came back as ${back[i]}`);
    });
  });

  it('rounds midpoints to even and everything else to the nearest', () => {
    const top = dtype === 'F16' ? 0x7bff : 0x7f7f;
    for (let low = 0; low < top; low += 13) {
      const [a, b] = [values[low] as number, values[low + 1] as number];
      const middle = (a + b) / 2;
      const even = low % 2 === 0 ? low : low + 1;
      const above = middle + (b - a) / 64;
      const below = middle - (b - a) / 64;
      const wanted = [even, low + 1, low, even | 0x8000, (low + 1) | 0x8000];
      expect([low, ...bitsOf([middle, above, below, -middle, -above], dtype)]).toEqual([low, ...wanted]);
    }
  });
});

describe('conversion', () => {
  it('overflows to infinity from half a unit above the largest value', () => {
    expect(bitsOf([65504, 65519.99, 65520, 1e9, -65520, Infinity], 'F16')).toEqual([
      0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x7c00,
    ]);
    expect(bitsOf([3.4028234663852886e38, -Infinity], 'BF16')).toEqual([0x7f80, 0xff80]);
  });

  it('has the layouts of IEEE half and bfloat16', () => {
    expect(bitsOf([1, -2, 0.333251953125, 2 ** -24, 2 ** -14, -0], 'F16')).toEqual([
      0x3c00, 0xc000, 0x3555, 0x0001, 0x0400, 0x8000,
    ]);
    expect(bitsOf([1, -2, 3.140625, 2 ** -133], 'BF16')).toEqual([0x3f80, 0xc000, 0x4049, 0x0001]);
  });

  it('shares memory for F32 and converts F64', () => {
    const data = Float32Array.of(1, 2, 3);
    const entry = fromFloat32(data, [3], 'F32');
    expect(entry.data.buffer).toBe(data.buffer);
    expect(toFloat32(entry).buffer).toBe(data.buffer);
    const wide = new Uint8Array(Float64Array.of(0.1, -1).buffer);
    expect([...toFloat32({ dtype: 'F64', shape: [2], data: wide })]).toEqual([Math.fround(0.1), -1]);
  });

  it('refuses integers and a shape that does not fit', () => {
    expect(() => toFloat32({ dtype: 'I32', shape: [1], data: new Uint8Array(4) })).toThrow(
      'dtype I32 is not floating',
    );
    expect(() => fromFloat32(new Float32Array(3), [2], 'F16')).toThrow('Shape [2] does not fit 3 values');
  });
});
