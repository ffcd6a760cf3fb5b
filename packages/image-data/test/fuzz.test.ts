import { expect, it } from 'vitest';
import { fuzz, READERS } from './fuzz.ts';

it.each(Object.keys(READERS) as (keyof typeof READERS)[])(
  '%s archives: mutated ones are refused or harmless',
  async (name) => {
    const { accepted, refused } = await fuzz(name, 500, 7);
    expect(refused).toBeGreaterThan(50);
    expect(accepted).toBeGreaterThan(5);
  },
);
