/** ADM's centre crop: halve while both sides are at least twice the size, scale the shorter side to the size, cut the middle out. */
import { FILTERS, type Pixels, resample } from './resample.ts';

/** Rounds halves to even, as Python does. */
function round(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The middle square of an image at `size` pixels: `[size, size, 3]`. */
export function centerCrop(image: Pixels, size: number): Uint8Array {
  let scaled = image;
  while (Math.min(scaled.width, scaled.height) >= 2 * size) {
    scaled = resample(scaled, Math.floor(scaled.width / 2), Math.floor(scaled.height / 2), FILTERS.box);
  }
  const scale = size / Math.min(scaled.width, scaled.height);
  scaled = resample(scaled, round(scaled.width * scale), round(scaled.height * scale), FILTERS.bicubic);
  const [left, top] = [Math.floor((scaled.width - size) / 2), Math.floor((scaled.height - size) / 2)];
  const square = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row++) {
    const begin = ((top + row) * scaled.width + left) * 3;
    square.set(scaled.data.subarray(begin, begin + size * 3), row * size * 3);
  }
  return square;
}
