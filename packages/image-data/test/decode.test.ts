import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  centerCrop,
  countRemarks,
  decodeImage,
  decodePixels,
  describeRemarks,
  openZip,
  type Remark,
} from '../src/index.ts';
import crops from './golden/crops.json' with { type: 'json' };
import files from './golden/files.json' with { type: 'json' };
import further from './golden/further-files.json' with { type: 'json' };
import photographs from './golden/photographs.json' with { type: 'json' };
import strips from './golden/strips.json' with { type: 'json' };

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** The largest difference between two images. */
function difference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe('centerCrop', () => {
  it.each(crops)(
    'gives the bytes of Pillow: $width x $height to $size',
    ({ width, height, size, pixels, crop }) => {
      expect(difference(centerCrop({ width, height, data: bytes(pixels) }, size), bytes(crop))).toBe(0);
    },
  );

  it.each(strips)('crops a strip of $width x $height in little time', ({ width, height, size, crop }) => {
    const data = Uint8Array.from({ length: 180_000 }, (_, i) => (31 * i * i) % 251);
    const begun = performance.now();
    const square = centerCrop({ width, height, data }, size);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(difference(square, bytes(crop))).toBe(0);
  });
});

describe('decodeImage', () => {
  it.each([...files, ...further])(
    "decodes as Pillow's convert('RGB') does: $name",
    async ({ remarks, ...golden }) => {
      const whole = await decodePixels(bytes(golden.file));
      expect([whole.width, whole.height]).toEqual([golden.width, golden.height]);
      expect(difference(whole.data, bytes(golden.rgb))).toBe(0);
      const decoded = await decodeImage(bytes(golden.file), 8);
      expect(decoded.remarks).toEqual(remarks);
      expect(difference(decoded.pixels, bytes(golden.pixels))).toBe(0);
    },
  );

  it('refuses files that are cut off, damaged or no images', async () => {
    const whole = bytes((files[0] as (typeof files)[number]).file);
    await expect(decodeImage(whole.subarray(0, whole.length - 60), 8)).rejects.toThrow(
      /premature end|corrupt|truncated/i,
    );
    await expect(decodeImage(Buffer.from('no image'), 8)).rejects.toThrow(/unsupported image format/);
    await expect(decodeImage(new Uint8Array(0), 8)).rejects.toThrow(/the file is empty/);
  });

  it.each(further)('refuses a cut file: $name', async ({ file }) => {
    const whole = bytes(file);
    await expect(decodeImage(whole.subarray(0, whole.length * 0.6), 8)).rejects.toThrow(/damaged/);
  });

  it('tells formats by content: no drawing is read, whatever its name', async () => {
    const svg = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await expect(decodeImage(Buffer.from(svg), 8)).rejects.toThrow(/is an SVG drawing/);
    await expect(decodeImage(Buffer.from('%PDF-1.7'), 8)).rejects.toThrow(/is a PDF document/);
  });
});

describe('remarks', () => {
  it('are sentences with the number of images', () => {
    const counts: Partial<Record<Remark, number>> = {};
    countRemarks(counts, ['EXIF orientation not applied', 'greyscale']);
    countRemarks(counts, ['EXIF orientation not applied']);
    expect(describeRemarks(counts)).toEqual([
      '2 images have an EXIF orientation that is not applied, as in ADM.',
      '1 image is greyscale.',
    ]);
  });
});

const archive = fileURLToPath(new URL('../../../../shared/data/imagenet-samples-200.zip', import.meta.url));

describe('real photographs', () => {
  it.skipIf(!existsSync(archive))(`give the bytes of Pillow (${archive})`, async () => {
    const zip = await openZip(archive);
    for (const [name, hashes] of Object.entries(photographs)) {
      const file = await zip.read(name);
      for (const [size, hash] of Object.entries(hashes)) {
        const { pixels } = await decodeImage(file, Number(size));
        expect(createHash('sha256').update(pixels).digest('hex'), `${name} at ${size}`).toBe(hash);
      }
    }
    await zip.close();
  });
});
