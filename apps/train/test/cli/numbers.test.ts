import { describe, expect, it } from 'vitest';
import { seed } from '../../src/cli/numbers.ts';
import { shorten } from '../../src/cli/perform.ts';

describe('--seed', () => {
  it.each(['-1', '0.5', '4294967296', '1e3', '', 'x', '99999999999999999999'])('refuses "%s"', (text) => {
    expect(() => seed(text)).toThrow('Wanted a whole number from 0 to 4294967295.');
  });

  it.each(['0', '4294967295'])('takes %s', (text) => {
    expect(seed(text)).toBe(Number(text));
  });
});

describe('shorten', () => {
  const rows = (text: string): number =>
    text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / 80)), 0);

  it.each([
    ['one long line', 'x'.repeat(9000)],
    ['many lines', 'line\n'.repeat(300)],
    ['long lines', `${'y'.repeat(300)}\n`.repeat(40)],
    ['a long line last', `${'a\n'.repeat(19)}${'z'.repeat(500)}`],
  ])('cuts %s to twenty rows and says how to see the rest', (_, text) => {
    const short = shorten(text);
    expect(rows(short)).toBeLessThanOrEqual(20);
    expect(short.endsWith('… (--verbose shows all)')).toBe(true);
    expect(text.startsWith(short.slice(0, short.indexOf('…') - 1))).toBe(true);
  });

  it('leaves what fits as it is', () => {
    for (const text of ['a sentence', 'line\n'.repeat(19), 'x'.repeat(1600)])
      expect(shorten(text)).toBe(text);
  });
});
