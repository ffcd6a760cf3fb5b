/** From an image file to 8-bit RGB pixels, as Pillow's `open(file).convert('RGB')` makes them in ADM's and REPA's code. */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { centerCrop } from './crop.ts';
import { detectFormat } from './formats.ts';
import { isMagickFormat, readMagick } from './magick.ts';
import { withOwnReason } from './own-reason.ts';
import type { Remark } from './remarks.ts';
import type { Pixels } from './resample.ts';

/** All pixels of an image. */
export interface DecodedPixels extends Pixels {
  readonly remarks: readonly Remark[];
}

/** A square of pixels. */
export interface Decoded {
  /** `[size, size, 3]` RGB. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly remarks: readonly Remark[];
}

/** The rules of decoding, for the records of what was computed from the pixels. */
export const DECODING = "Pillow's convert('RGB'): no profile, EXIF turn or alpha";

/** Decompressed pixels that a small file may claim. */
const LARGEST_PIXELS = 1 << 28;

/** TIFF is turned by Pillow's reader itself. */
const isTurned = ({ orientation, format }: Metadata): boolean => (orientation ?? 1) > 1 && format !== 'tiff';

function remarksOf(metadata: Metadata): Remark[] {
  const { space, depth, hasAlpha, hasProfile, pages, channels } = metadata;
  const found: readonly (readonly [boolean, Remark])[] = [
    [isTurned(metadata), 'EXIF orientation not applied'],
    [hasProfile, 'colour profile not applied'],
    [channels <= 2, 'greyscale'],
    [space === 'cmyk', 'CMYK'],
    [depth === 'ushort', '16 bits'],
    [hasAlpha, 'alpha dropped'],
    [(pages ?? 1) > 1, 'animated, first frame'],
  ];
  return found.filter(([holds]) => holds).map(([, remark]) => remark);
}

/** `a b / 255`, rounded as Pillow does. */
function scale(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** RGB of inks `[n, 4]` in 0 to 255: what each ink and black leave of the light. */
function fromInks(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const light = 255 - (inks[from + 3] as number);
    for (let c = 0; c < 3; c++) rgb[to++] = light - scale(inks[from + c] as number, light);
  }
  return rgb;
}

/** RGB of 16-bit greys, which Pillow cuts off at 255. */
function fromWideGreys(bytes: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((bytes.length / 2) * 3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; 2 * i < bytes.length; i++)
    rgb.fill(Math.min(view.getUint16(2 * i, true), 255), 3 * i, 3 * i + 3);
  return rgb;
}

/** Pixels of an opened image of colours `space`. */
async function pixelsOf(image: Sharp, space: string): Promise<Pixels> {
  const read = async (
    one: Sharp,
    depth: 'uchar' | 'ushort',
    convert: (data: Uint8Array) => Uint8Array,
  ): Promise<Pixels> => {
    const { data, info } = await one.raw({ depth }).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const pixels = convert(data);
    if (pixels.length === 3 * width * height) return { width, height, data: pixels };
    throw new Error(`decoding gave ${channels} channels of colours ${space}, wanted some that make RGB`);
  };
  if (space === 'cmyk')
    return read(image.pipelineColourspace('cmyk').toColourspace('cmyk'), 'uchar', fromInks);
  if (space === 'grey16') return read(image.toColourspace('grey16'), 'ushort', fromWideGreys);
  return read(image.toColourspace('srgb'), 'uchar', (data) => data);
}

/** All pixels of a file; a failure may give the reason of another that is decoded beside it. */
async function decodeBeside(file: Uint8Array): Promise<DecodedPixels> {
  const format = detectFormat(file);
  if (isMagickFormat(format)) return readMagick(file, format, LARGEST_PIXELS);
  const metadata = await sharp(file).metadata();
  const opened = sharp(file, { failOn: 'error', limitInputPixels: LARGEST_PIXELS, ignoreIcc: true });
  const image = metadata.format === 'tiff' ? opened.autoOrient() : opened;
  const { hasAlpha, space } = metadata;
  const narrow = hasAlpha && space === 'grey16'; // grey and alpha are 8 bits wide in Pillow
  const pixels = await pixelsOf(image.removeAlpha(), narrow ? 'b-w' : space);
  return { ...pixels, remarks: remarksOf(metadata) };
}

/**
 * RGB pixels of a file as stored: colour profiles and EXIF orientation are not applied, alpha is dropped, CMYK is converted by its
 * formula, 16-bit greys are cut off at 255.
 * @throws on files that are cut off, damaged or no images
 */
export const decodePixels = (file: Uint8Array): Promise<DecodedPixels> =>
  withOwnReason(() => decodeBeside(file));

/**
 * Decodes a file as `decodePixels` and cuts ADM's centre crop of `size` pixels out.
 * @throws on files that are cut off, damaged or no images; with the reason of another file where several are decoded at once
 */
export async function decodeImage(file: Uint8Array, size: number): Promise<Decoded> {
  const { remarks, ...image } = await decodeBeside(file);
  return { pixels: centerCrop(image, size) as Uint8Array<ArrayBuffer>, remarks };
}
