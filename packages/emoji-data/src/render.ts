/** Drawing of emoji as pixels. */
import sharp from 'sharp';
import type { Emoji } from './list-emoji.ts';

const WORKERS = 4;

/**
 * Emoji as squares of `size` pixels, whole and centred on white: `[n, size, size, 3]` uint8 RGB, in the given order.
 * `onProgress` is called with the number done after each.
 * @throws Error where a picture is no SVG that can be drawn
 */
export async function renderEmoji(
  emoji: readonly Emoji[],
  size: number,
  onProgress: (done: number, total: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const stride = size * size * 3;
  const images = new Uint8Array(emoji.length * stride);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < emoji.length) {
      const index = next++;
      images.set(await drawOne(emoji[index] as Emoji, size), index * stride);
      onProgress(++done, emoji.length);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return images;
}

async function drawOne(emoji: Emoji, size: number): Promise<Uint8Array> {
  const sized = emoji.svg.replace('<svg ', `<svg width="${size}" height="${size}" `);
  const pixels = await sharp(Buffer.from(sized)).flatten({ background: '#ffffff' }).raw().toBuffer();
  if (pixels.length !== size * size * 3) {
    throw new Error(
      `drawing "${emoji.name}" gave ${pixels.length} bytes, wanted ${size} x ${size} RGB pixels`,
    );
  }
  return pixels;
}
