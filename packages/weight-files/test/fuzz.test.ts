import { describe, expect, it } from 'vitest';
import { fuzz, readers } from './fuzz.ts';

const all = await readers(new URL('./golden/', import.meta.url));

describe('mutated files', () => {
  it.each(Object.keys(all))(
    '%s: give an error that names the file, or tensors that fit in it',
    async (name) => {
      const before = process.memoryUsage().rss;
      const { accepted, refused } = await fuzz(all[name] as never, 2000);
      expect(accepted).toBeGreaterThan(20);
      expect(refused).toBeGreaterThan(500);
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    },
  );
});
