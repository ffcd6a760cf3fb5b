/** Labels of the rows of a grid as pictures. */
import { printable, shorten } from '@ahpa/messages';
import sharp from 'sharp';

const SIZE = 14;
const MOST_CHARACTERS = 40;

/** A label as a grid shows it. */
export const labelText = (name: string): string => shorten(printable(name), MOST_CHARACTERS);

/** Characters as wide as two Latin ones. */
const WIDE = /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/gu;

/** Pixels that the longest label needs; 0 without labels. */
export function labelWidth(labels: readonly string[]): number {
  const longest = Math.max(0, ...labels.map((text) => text.length + (text.match(WIDE)?.length ?? 0)));
  return longest === 0 ? 0 : Math.ceil(longest * SIZE * 0.6) + SIZE;
}

/** A label on `background`, uint8 RGB `[height, width, 3]`. */
export async function drawLabel(
  text: string,
  width: number,
  height: number,
  background: string,
): Promise<Uint8Array> {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const style = `font-family="sans-serif" font-size="${Math.min(SIZE, height)}" fill="#222"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
      <text x="${SIZE / 2}" y="${height / 2}" dominant-baseline="central" ${style}>${escaped}</text>
    </svg>`;
  return sharp(Buffer.from(svg)).flatten({ background }).raw().toBuffer();
}
