import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { layoutGrid, type Place } from '../../src/files/grid-layout.ts';
import { createGrid, type GridImages } from '../../src/files/image-grid.ts';

const folder = temporary();

/** Whether no two tiles, nor a tile and a label, share a pixel, and all lie inside. */
function disjoint(request: Parameters<typeof layoutGrid>[0]): boolean {
  const layout = layoutGrid(request);
  const rows = Math.ceil(request.images / request.columns);
  const { tile, width, height } = layout;
  const boxes = [
    ...Array.from({ length: request.images }, (_, i) => ({
      ...layout.image(i),
      w: tile.width,
      h: tile.height,
    })),
    ...(request.gutter === 0
      ? []
      : Array.from({ length: rows }, (_, row) => ({
          ...layout.label(row),
          w: request.gutter,
          h: tile.height,
        }))),
  ];
  const painted = new Uint8Array(width * height);
  return boxes.every(({ left, top, w, h }) => {
    if (left < 0 || top < 0 || left + w > width || top + h > height) return false;
    for (let y = top; y < top + h; y++) {
      if (painted.subarray(y * width + left, y * width + left + w).includes(1)) return false;
      painted.fill(1, y * width + left, y * width + left + w);
    }
    return true;
  });
}

describe('layoutGrid', () => {
  const small = { width: 64, height: 64, gap: 2, gutter: 100 };

  it('enlarges small images and puts them row by row', () => {
    const layout = layoutGrid({ ...small, images: 16, columns: 8 });
    expect(layout.tile).toEqual({ width: 128, height: 128 });
    expect([layout.width, layout.height]).toEqual([100 + 2 + 8 * 130, 2 + 2 * 130]);
    expect(layout.image(9)).toEqual({ left: 100 + 2 + 130, top: 2 + 130 });
  });

  it.each<[string, number, number, number, number]>([
    ['a row of a thousand images wraps', 1000, 1000, 64, 100],
    ['a thousand classes of eight stand in blocks side by side', 8000, 8, 64, 100],
    ['a thousand classes of eight of 256 pixels are made smaller', 8000, 8, 256, 350],
    ['1024 pixels', 72, 8, 1024, 100],
    ['one image wider than a grid', 1, 1, 9000, 0],
    ['one class of many images', 50_000, 8, 32, 0],
    ['a last row that is short', 7, 4, 32, 0],
  ])('%s: nothing overlaps, and no side is over 8192', (_, images, columns, size, gutter) => {
    const request = { images, columns, width: size, height: size, gap: 2, gutter };
    const { width, height } = layoutGrid(request);
    expect(Math.max(width, height)).toBeLessThanOrEqual(8192);
    expect(disjoint(request)).toBe(true);
  });

  it('refuses what fits at no size', () => {
    const request = { images: 1_000_000, columns: 8, width: 256, height: 256, gap: 2, gutter: 0 };
    expect(() => layoutGrid(request)).toThrow(
      '1,000,000 images do not fit into a grid of 8192 x 8192 pixels: draw fewer.',
    );
  });
});

describe('createGrid', () => {
  /** Images of one colour each: green counts them, so that a place can be read back. */
  const counted = (first: number, n: number, size: number): GridImages => ({
    data: Uint8Array.from({ length: n * size * size * 3 }, (_, i) => {
      const image = first + Math.floor(i / (size * size * 3));
      return [10, image & 255, image >> 8][i % 3] as number;
    }),
    shape: [n, size, size, 3],
  });

  it('holds a thousand classes of eight images, each where the layout has it, and a label beside each row', async () => {
    const [classes, size] = [1000, 16];
    const labels = Array.from({ length: classes }, (_, i) =>
      i === 3 ? `long ${'name '.repeat(400)}` : `n${i}`,
    );
    const shape = { images: 8 * classes, columns: 8, width: size, height: size, labels };
    const grid = await createGrid(shape);
    for (let first = 0; first < shape.images; first += 1600)
      await grid.paint(first, counted(first, 1600, size));
    const path = join(folder, 'thousand.png');
    await grid.write(path);
    const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
    const gutter = 2 + 40 * 14; // at most
    const layout = layoutGrid({ ...shape, gap: 2, gutter: Math.ceil(40 * 14 * 0.6) + 14 });
    expect(gutter).toBeGreaterThan(layout.image(0).left);
    expect([info.width, info.height]).toEqual([layout.width, layout.height]);
    const at = ({ left, top }: Place): number[] => [
      ...data.subarray((top * info.width + left) * 3).subarray(0, 3),
    ];
    for (const index of [0, 1, 7, 8, 999, 4321, 7999])
      expect(at(layout.image(index))).toEqual([10, index & 255, index >> 8]);
    for (const row of [0, 3, 500, 999]) {
      const { left, top } = layout.label(row);
      let dark = 0;
      for (let y = top; y < top + layout.tile.height; y++)
        for (let x = left; x < left + 300; x++) if ((data[(y * info.width + x) * 3] as number) < 100) dark++;
      expect(dark).toBeGreaterThan(10);
    }
  }, 60_000);

  it('draws names that are no XML and command terminals', async () => {
    const labels = ['<&>"\'', '\u001b[31mred\u001b[0m', '\u0000\u0008', 'a\nb', '\ud83d', '猫'.repeat(90)];
    const grid = await createGrid({ images: 6, columns: 1, width: 8, height: 8, labels });
    await grid.paint(0, counted(0, 6, 8));
    await grid.write(join(folder, 'names.png'));
    expect((await sharp(join(folder, 'names.png')).metadata()).height).toBe(2 + 6 * 130);
  });

  it('refuses another extension than those of pictures, and leaves no file', async () => {
    const grid = await createGrid({ images: 1, columns: 1, width: 8, height: 8 });
    await expect(grid.write(join(folder, 'grid.gif'))).rejects.toThrow(
      'wanted a picture as .png, .jpg, .jpeg, .webp',
    );
    expect(existsSync(join(folder, 'grid.gif'))).toBe(false);
  });
});
