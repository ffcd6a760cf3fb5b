import { describe, expect, it } from 'vitest';
import { describeClasses, listNames, printable, shorten } from '../src/index.ts';

/** Every code unit that a terminal, a line or the order of letters obeys. */
const OBEYED = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i),
  ...[0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff],
];

describe('printable', () => {
  it('escapes everything that a terminal obeys, so that JSON reads it back', () => {
    for (const code of OBEYED) {
      const text = printable(`a${String.fromCharCode(code)}b`);
      expect(text).toMatch(/^a\\(n|r|t|u[\da-f]{4})b$/);
      expect(JSON.parse(`"${text}"`)).toBe(`a${String.fromCharCode(code)}b`);
    }
  });

  it('leaves letters, emoji and backslashes, and escapes half an emoji', () => {
    for (const text of ['Smileys & Emotion', 'größe 猫 😀 👩‍🚀', 'C:\\images', 'é̂'])
      expect(printable(text)).toBe(text);
    expect(printable('\ud83d')).toBe('\\ud83d');
  });
});

describe('shorten', () => {
  it('keeps head and tail in the characters that a reader counts', () => {
    expect(shorten('abcdefghij', 10)).toBe('abcdefghij');
    expect(shorten('abcdefghijk', 10)).toBe('abcde…hijk');
    expect(shorten('👩‍🚀'.repeat(12), 3)).toBe('👩‍🚀…👩‍🚀');
  });
});

describe('lists of names', () => {
  const names = Array.from({ length: 1000 }, (_, i) => `n${i}`);

  it('name twelve and count the rest', () => {
    expect(listNames(['cat', 'dog'])).toBe('cat, dog');
    expect(listNames(names)).toBe(`${names.slice(0, 12).join(', ')}, 988 more`);
    expect(listNames(['x'.repeat(5000)]).length).toBe(40);
  });

  it('count the images of each class, and the classes without any', () => {
    expect(describeClasses(['cat'])).toBe('1 class: cat');
    expect(describeClasses(['cat', 'dog', 'emu'], [3, 0, 5])).toBe(
      '3 classes: cat 3, emu 5; 1 without an image',
    );
  });
});
