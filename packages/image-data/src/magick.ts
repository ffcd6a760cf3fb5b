/** Pixels of formats that sharp does not read, by ImageMagick as WebAssembly, loaded on first use. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { IMagickImage } from '@imagemagick/magick-wasm';
import type { Format } from './formats.ts';
import type { Remark } from './remarks.ts';
import type { Pixels } from './resample.ts';

type Magick = typeof import('@imagemagick/magick-wasm');

/** A format that ImageMagick reads here. */
export type MagickFormat = Extract<Format, 'BMP' | 'Netpbm' | 'TGA' | 'ICO' | 'JPEG 2000' | 'HEIF'>;

/** ImageMagick's reader of each format. */
const READERS: Readonly<Record<MagickFormat, 'BMP' | 'PNM' | 'TGA' | 'ICO' | 'JP2' | 'HEIC'>> = {
  BMP: 'BMP',
  Netpbm: 'PNM',
  TGA: 'TGA',
  ICO: 'ICO',
  'JPEG 2000': 'JP2',
  HEIF: 'HEIC',
};

let loading: Promise<Magick> | undefined;

async function load(): Promise<Magick> {
  const magick = await import('@imagemagick/magick-wasm');
  const { resolve } = createRequire(import.meta.url);
  await magick.initializeImageMagick(await readFile(resolve('@imagemagick/magick-wasm/magick.wasm')));
  return magick;
}

/** Whether a format is left to ImageMagick. */
export const isMagickFormat = (format: Format): format is MagickFormat => Object.hasOwn(READERS, format);

/** Pixels and remarks of a file of `format` of at most `largest` pixels. @throws Error where it is damaged */
export async function readMagick(
  file: Uint8Array,
  format: MagickFormat,
  largest: number,
): Promise<Pixels & { readonly remarks: readonly Remark[] }> {
  loading ??= load();
  const magick = await loading;
  const name = format === 'JPEG 2000' && file[0] === 0xff ? 'J2K' : READERS[format];
  const settings = new magick.MagickReadSettings({ format: name });
  try {
    if (format !== 'ICO') checkSize(magick.MagickImageInfo.create(file, settings), largest); // icons are small
    return magick.ImageMagick.readCollection(file, settings, (images) => {
      const [widest] = [...images].sort((a, b) => b.width * b.height - a.width * a.height);
      return pixelsOf((format === 'ICO' ? widest : images[0]) as IMagickImage, format, magick);
    });
  } catch (cause) {
    const [reason] = (cause as Error).message.split(/\s*[`\n]/);
    throw new Error(`the ${format} file is damaged or of an unusual kind (${reason})`, { cause });
  }
}

/** Refuses images of more than `largest` pixels before they are decompressed. */
function checkSize({ width, height }: Pick<Pixels, 'width' | 'height'>, largest: number): void {
  if (width * height > largest) throw new Error(`${width} x ${height} pixels, wanted at most ${largest}`);
}

function pixelsOf(
  image: IMagickImage,
  format: MagickFormat,
  { ColorSpace }: Magick,
): Pixels & { readonly remarks: readonly Remark[] } {
  const { width, height, colorSpace, depth } = image;
  const grey = colorSpace === ColorSpace.Gray || colorSpace === ColorSpace.LinearGray;
  if (!grey && colorSpace !== ColorSpace.sRGB && colorSpace !== ColorSpace.RGB)
    throw new Error('its colours are neither RGB nor greys');
  if (grey && format === 'Netpbm' && depth > 8) throw new Error('its greys have more than 8 bits, wanted 8');
  const data = image.getPixels((pixels) => pixels.toByteArray(0, 0, width, height, 'RGB'));
  if (data === null) throw new Error('it has no pixels');
  const remarks: Remark[] = [];
  if (image.getColorProfile() !== null) remarks.push('colour profile not applied');
  if (grey) remarks.push('greyscale');
  if (image.hasAlpha && format !== 'BMP') remarks.push('alpha dropped'); // the fourth byte of a BMP is unused
  return { width, height, data, remarks };
}
