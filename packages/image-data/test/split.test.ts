import { describe, expect, it } from 'vitest';
import { hashFraction, splitByName } from '../src/index.ts';

describe('splitByName', () => {
  it('keeps a name on its side, whatever names stand beside it', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `image ${i}`);
    const { train, heldOut } = splitByName(names, 0.25);
    expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(names.map((_, row) => row));
    expect(heldOut.length).toBe(254);
    const kept = Array.from(heldOut, (row) => names[row] as string);
    expect(splitByName(kept, 0.25).train.length).toBe(0);
    expect(splitByName(names, 0).heldOut.length).toBe(0);
  });

  it('depends on the first bytes of the SHA-256', () => {
    expect(hashFraction('')).toBe(0xe3b0c442 / 2 ** 32);
    expect(hashFraction('split/1f600')).toBe(0x6df8df14 / 2 ** 32);
  });
});
