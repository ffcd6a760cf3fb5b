/** Writes images side by side into one PNG. */
import sharp from 'sharp';
import { writeWhole } from './write-whole.ts';

const LABEL_SIZE = 14;
const BACKGROUND = '#e3e3e3';

/** Images of one size: uint8 RGB, `shape` is `[n, height, width, 3]`. */
export interface GridImages {
  readonly data: Uint8Array;
  readonly shape: readonly [n: number, height: number, width: number, channels: 3];
}

/** Gap and row labels of a grid. */
export interface GridOptions {
  /** Pixels between images; default 2. */
  readonly gap?: number;
  /** Text left of each row, from the top. */
  readonly labels?: readonly string[];
}

/**
 * Writes a PNG with `columns` images a row, in row-major order.
 * Images under 128 pixels are enlarged by a whole factor without smoothing. A last row may be short.
 */
export async function writeGrid(
  path: string,
  images: GridImages,
  columns: number,
  { gap = 2, labels = [] }: GridOptions = {},
): Promise<void> {
  const [n, height, width] = images.shape;
  if (images.data.length !== n * height * width * 3) {
    throw new RangeError(
      `a grid of shape [${images.shape}] needs ${n * height * width * 3} bytes, got ${images.data.length}`,
    );
  }
  const scale = Math.max(1, Math.floor(128 / Math.max(height, width)));
  const rows = Math.ceil(n / columns);
  const tile = { width: width * scale, height: height * scale };
  const gutter = labelWidth(labels);
  const canvas = {
    width: gutter + columns * (tile.width + gap) + gap,
    height: rows * (tile.height + gap) + gap,
  };
  const tiles = await Promise.all(
    Array.from({ length: n }, async (_, index) => ({
      input: await enlarge(images, index, scale),
      left: gutter + gap + (index % columns) * (tile.width + gap),
      top: gap + Math.floor(index / columns) * (tile.height + gap),
    })),
  );
  const text = labels.map((label, row) => ({
    input: labelSvg(label, gutter, tile.height),
    left: 0,
    top: gap + row * (tile.height + gap),
  }));
  const png = await sharp({ create: { ...canvas, channels: 3, background: BACKGROUND } })
    .composite([...tiles, ...text])
    .png()
    .toBuffer();
  await writeWhole(path, png);
}

async function enlarge({ data, shape }: GridImages, index: number, scale: number): Promise<Buffer> {
  const [, height, width] = shape;
  const stride = height * width * 3;
  return sharp(data.subarray(index * stride, (index + 1) * stride), { raw: { width, height, channels: 3 } })
    .resize(width * scale, height * scale, { kernel: 'nearest' })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

function labelWidth(labels: readonly string[]): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return longest === 0 ? 0 : Math.ceil(longest * LABEL_SIZE * 0.6) + LABEL_SIZE;
}

function labelSvg(label: string, width: number, height: number): Buffer {
  const escaped = label.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const style = `font-family="sans-serif" font-size="${LABEL_SIZE}" fill="#222"`;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
      <text x="${LABEL_SIZE / 2}" y="${height / 2}" dominant-baseline="central" ${style}>${escaped}</text>
    </svg>`,
  );
}
