import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDecoder } from '../src/index.ts';
import files from './golden/files.json' with { type: 'json' };

const built = new URL('../dist/worker.js', import.meta.url);
const [first] = files as [(typeof files)[number]];
const file = new Uint8Array(Buffer.from(first.file, 'base64'));

describe('createDecoder', () => {
  it('decodes in this thread', async () => {
    const decoder = createDecoder(0);
    expect(Buffer.from((await decoder.decode(file, 8)).pixels).toString('base64')).toBe(first.pixels);
    await decoder.close();
  });

  it.skipIf(!existsSync(built))('decodes in threads (needs the built worker), many at a time', async () => {
    const decoder = createDecoder(2, built);
    const decoded = await Promise.all(Array.from({ length: 40 }, () => decoder.decode(file, 8)));
    for (const { pixels } of decoded) expect(Buffer.from(pixels).toString('base64')).toBe(first.pixels);
    await expect(decoder.decode(file.subarray(0, 300), 8)).rejects.toThrow(/premature|corrupt|truncated/i);
    expect(file.length).toBeGreaterThan(300);
    await decoder.close();
  });
});
