/** A few photographs in class folders. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

async function photo(seed: number, grey: boolean): Promise<Buffer> {
  const [width, height] = [18 + (seed % 5), 20 + (seed % 3)];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * (seed + 3) + (i % 7) * 31) % 256,
  );
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (grey ? image.toColourspace('b-w') : image).png().toBuffer();
}

/** Writes eight photographs below `train` and four below `val`, of cats and dogs; the second of every folder is grey. */
export async function writePhotos(folder: string): Promise<void> {
  for (const [part, count] of [
    ['train', 4],
    ['val', 2],
  ] as const) {
    for (const [c, name] of ['cat', 'dog'].entries()) {
      mkdirSync(join(folder, part, name), { recursive: true });
      for (let i = 0; i < count; i++)
        writeFileSync(join(folder, part, name, `${i}.png`), await photo(10 * c + i + count, i === 1));
    }
  }
}
