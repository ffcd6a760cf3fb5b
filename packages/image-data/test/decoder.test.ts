import { existsSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createDecoder } from '../src/index.ts';
import files from './golden/files.json' with { type: 'json' };

const built = new URL('../dist/worker.js', import.meta.url);
const [first] = files as [(typeof files)[number]];
const file = new Uint8Array(Buffer.from(first.file, 'base64'));

/** Files of several formats that end early, and the reason that libvips gives where it decodes nothing else. */
async function cutFiles(): Promise<{ file: Uint8Array; reason: string }[]> {
  const pixels = { data: Buffer.from(first.rgb, 'base64'), width: first.width, height: first.height };
  const image = sharp(pixels.data, { raw: { ...pixels, channels: 3 } });
  const whole = [await image.jpeg().toBuffer(), await image.png().toBuffer(), await image.webp().toBuffer()];
  const cut: { file: Uint8Array; reason: string }[] = [];
  for (const bytes of whole) {
    const file = new Uint8Array(bytes.subarray(0, bytes.length * 0.6));
    const read = sharp(file, { failOn: 'error' }).raw().toBuffer();
    cut.push({ file, reason: await read.then(String, (error: Error) => error.message) });
  }
  return cut;
}

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

  it.skipIf(!existsSync(built)).each([0, 2])(
    'gives each bad file its own reason with %d threads (needs the built worker)',
    async (threads) => {
      const cut = await cutFiles();
      const decoder = createDecoder(threads, built);
      const reasons = await Promise.all(
        Array.from({ length: 120 }, (_, i) =>
          decoder.decode((cut[i % 3] as (typeof cut)[number]).file, 8).then(String, (error) => error.message),
        ),
      );
      expect(reasons).toEqual(reasons.map((_, i) => cut[i % 3]?.reason));
      expect(new Set(reasons).size).toBe(3);
      await decoder.close();
    },
  );
});
