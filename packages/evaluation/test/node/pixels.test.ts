import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNpz } from '@ahpa/weight-files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPixels } from '../../src/node/index.ts';

interface Golden {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly rgb: string;
}

/** Files and what Pillow makes of them, those of @ahpa/image-data that are 16 pixels wide. */
const golden = (
  JSON.parse(
    readFileSync(new URL('../../../image-data/test/golden/files.json', import.meta.url), 'utf8'),
  ) as Golden[]
).filter(({ width }) => width === 16);

const folder = mkdtempSync(join(tmpdir(), 'ahpa-pixels-'));

describe('pixels of files', () => {
  beforeAll(() => {
    golden.forEach(({ file }, i) => {
      writeFileSync(join(folder, `${String(i).padStart(3, '0')}.png`), Buffer.from(file, 'base64'));
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are those of Pillow, whatever profile, orientation and alpha the files have', async () => {
    const source = await openPixels(folder);
    expect(source.n).toBe(golden.length);
    const { data, shape } = await source.read(0, source.n);
    expect(shape).toEqual([golden.length, 12, 16, 3]);
    golden.forEach(({ name, rgb }, i) => {
      expect(Buffer.from(data.subarray(576 * i, 576 * (i + 1))).toString('base64'), name).toBe(rgb);
    });
    await source.close();
  });

  it('are the only images of an .npz, whatever their name', async () => {
    const array = (dtype: 'U8' | 'I32', shape: number[], values: number) => ({
      dtype,
      shape,
      data: new Uint8Array(shape.reduce((a, b) => a * b, dtype === 'U8' ? 1 : 4)).fill(values),
    });
    const path = join(folder, 'samples.npz');
    const labels = array('I32', [5], 0);
    const images = array('U8', [5, 4, 4, 3], 7);
    await writeNpz(path, { images, labels });
    const source = await openPixels(path);
    expect([source.n, (await source.read(4, 1)).data]).toEqual([5, images.data.subarray(192)]);
    await source.close();
    await writeNpz(path, { images, more: images, labels });
    await expect(openPixels(path)).rejects.toThrow(/holds images, more, labels, wanted "arr_0" or one array/);
    await writeNpz(path, { images, more: images, arr_0: array('U8', [2, 4, 4, 3], 1) });
    const named = await openPixels(path);
    expect(named.n).toBe(2);
    await named.close();
    rmSync(path);
  });

  it('come with the numbers of images whose orientation or profile is not applied, however often they are read', async () => {
    const source = await openPixels(folder);
    expect(source.decoding?.().remarks).toEqual({});
    await source.read(0, source.n);
    await source.sha256();
    expect(source.decoding?.()).toMatchObject({
      policy: expect.stringContaining('Pillow'),
      remarks: { 'EXIF orientation not applied': 9, 'colour profile not applied': 3 },
    });
    await source.close();
  });
});
