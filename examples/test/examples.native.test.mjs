import { join } from 'node:path';
import { missing } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runExample } from './run-example.mjs';

describe.skipIf(missing)("examples on TensorFlow's library", () => {
  it('ahpa-from-packages turns its own images into a sheet of samples', async () => {
    const out = join(temporary(), 'samples.png');
    const lines = await runExample('ahpa-from-packages/ahpa.mjs', '--steps', '3', '--out', out);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['step', 'step', 'step', 'wrote']);
    expect(await sharp(out).metadata()).toMatchObject({ width: 8 * 64, height: 3 * 64, channels: 3 });
  });

  it('features-of-a-folder prints the shapes of a batch', async () => {
    const lines = await runExample('features-of-a-folder/features.mjs');
    expect(lines[0]).toMatch(/^4 images of .* in /);
    expect(lines[1]).toBe('latent 2,8,8,4');
    expect(lines.slice(2).map((line) => line.replace(/\d+$/, 'd'))).toEqual([
      'fine 2,16,d',
      'mid 2,16,d',
      'coarse 2,16,d',
    ]);
  });

  it('fid-of-two-folders prints a card, 0 for a folder and itself', async () => {
    const folder = temporary();
    for (let i = 0; i < 8; i++) {
      const background = { r: 30 * i, g: (90 * i) % 256, b: 60 };
      await sharp({ create: { width: 32, height: 32, channels: 3, background } }).toFile(
        join(folder, `${i}.png`),
      );
    }
    const [card] = await runExample('fid-of-two-folders/fid.mjs', folder, folder);
    expect(card).toMatch(/sqz-fd@8 +-?0\.00/);
  });
});
