/** Images side by side in one picture. */
import sharp from 'sharp';
import { drawLabel, labelText, labelWidth } from './grid-labels.ts';
import { layoutGrid, type Place } from './grid-layout.ts';
import { pictureEncoder } from './picture-format.ts';
import { writeWhole } from './write-whole.ts';

const BACKGROUND = '#e3e3e3';
const CHANNELS = 3;

/** Images of one size: uint8 RGB, `shape` is `[n, height, width, 3]`. */
export interface GridImages {
  readonly data: Uint8Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: 3];
}

/** Gap and row labels of a grid. */
export interface GridOptions {
  /** Pixels between images; default 2. */
  readonly gap?: number;
  /** Text left of each row, from the top; long ones are shortened. */
  readonly labels?: readonly string[];
}

/** Number and size of the images of a grid, in rows of `columns`; the last row may be short. */
export interface GridShape extends GridOptions {
  readonly images: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

/** A grid that is being made; it holds the picture, not the images. */
export interface Grid {
  /** Draws images into their places, the first of them at `first`, in row-major order. @throws RangeError where their size is another */
  paint(first: number, images: GridImages): Promise<void>;
  /** Encodes the picture by the extension of `path` and writes it, whole or not at all. */
  write(path: string): Promise<void>;
}

/**
 * An empty grid. Images under 128 pixels are enlarged by a whole factor without smoothing; a grid that would be too large wraps, or
 * shows its images smaller.
 * @throws an error the user can fix where the images cannot be made small enough
 */
export async function createGrid({
  images,
  columns,
  width,
  height,
  gap = 2,
  labels = [],
}: GridShape): Promise<Grid> {
  const texts = labels.map(labelText);
  const gutter = labelWidth(texts);
  const layout = layoutGrid({ images, columns, width, height, gap, gutter });
  const { tile } = layout;
  const canvas = await sharp({
    create: { width: layout.width, height: layout.height, channels: CHANNELS, background: BACKGROUND },
  })
    .raw()
    .toBuffer();
  const blit = (pixels: Uint8Array, across: number, { left, top }: Place): void => {
    for (let row = 0; row * across * CHANNELS < pixels.length; row++)
      canvas.set(
        pixels.subarray(row * across * CHANNELS, (row + 1) * across * CHANNELS),
        ((top + row) * layout.width + left) * CHANNELS,
      );
  };
  for (const [row, text] of texts.entries())
    blit(await drawLabel(text, gutter, tile.height, BACKGROUND), gutter, layout.label(row));
  const kernel = tile.width >= width ? 'nearest' : 'lanczos3';
  return {
    paint: async (first, { data, shape }) => {
      const [n] = shape;
      const stride = height * width * CHANNELS;
      if (data.length !== n * stride || shape[1] !== height || shape[2] !== width)
        throw new RangeError(
          `a grid of shape [${[n, height, width, CHANNELS]}] needs ${n * stride} bytes, got ${data.length}`,
        );
      for (let i = 0; i < n; i++) {
        const raw = { width, height, channels: CHANNELS } as const;
        const pixels = await sharp(data.subarray(i * stride, (i + 1) * stride), { raw })
          .resize(tile.width, tile.height, { kernel, fit: 'fill' })
          .raw()
          .toBuffer();
        blit(pixels, tile.width, layout.image(first + i));
      }
    },
    write: async (path) => {
      const raw = { width: layout.width, height: layout.height, channels: CHANNELS } as const;
      await writeWhole(path, await pictureEncoder(path)(sharp(canvas, { raw })).toBuffer());
    },
  };
}

/** Writes images that are all there as a grid with `columns` images a row. */
export async function writeGrid(
  path: string,
  images: GridImages,
  columns: number,
  options: GridOptions = {},
): Promise<void> {
  const [n, height, width] = images.shape;
  const grid = await createGrid({ images: n, columns, width, height, ...options });
  await grid.paint(0, images);
  await grid.write(path);
}
