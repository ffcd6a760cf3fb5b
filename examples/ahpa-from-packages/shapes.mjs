/** Small pictures to train on where there is no folder: three shapes in eight colours and four sizes, one class folder a shape. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

const SIDE = 64;
const SHAPES = {
  circle: (r) => `<circle cx="32" cy="32" r="${r}"/>`,
  square: (r) => `<rect x="${32 - r}" y="${32 - r}" width="${2 * r}" height="${2 * r}" rx="4"/>`,
  triangle: (r) => `<polygon points="32,${32 - r} ${32 + r},${32 + r} ${32 - r},${32 + r}"/>`,
};

/** Draws 96 PNG files of 64 pixels into a new temporary folder, and returns it. */
export async function drawShapes() {
  const folder = await mkdtemp(join(tmpdir(), 'shapes-'));
  for (const [name, draw] of Object.entries(SHAPES)) {
    await mkdir(join(folder, name));
    for (let i = 0; i < 32; i++) {
      const [hue, radius] = [(i % 8) * 45, 14 + 4 * Math.floor(i / 8)];
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}" fill="hsl(${hue}, 85%, 50%)">
        <rect width="100%" height="100%" fill="white"/>${draw(radius)}</svg>`;
      await sharp(Buffer.from(svg)).toFile(join(folder, name, `${i}.png`));
    }
  }
  return folder;
}
