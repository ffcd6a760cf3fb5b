/** Decoding of image files to 8-bit RGB pixels. */
import sharp, { type Metadata } from 'sharp';
import { centerCrop } from './crop.ts';

/** A conversion applied to an unusual image. */
export type Remark =
  | 'turned as EXIF says'
  | 'greyscale'
  | 'CMYK'
  | '16 bits'
  | 'transparent, laid on white'
  | 'animated, first frame';

/** A square of pixels. */
export interface Decoded {
  /** `[size, size, 3]` RGB. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  readonly remarks: readonly Remark[];
}

/** Decompressed pixels that a small file may claim. */
const LARGEST_PIXELS = 1 << 28;

function listRemarks({ orientation, space, depth, hasAlpha, pages, channels }: Metadata): Remark[] {
  const found: readonly (readonly [boolean, Remark])[] = [
    [(orientation ?? 1) > 1, 'turned as EXIF says'],
    [channels <= 2, 'greyscale'],
    [space === 'cmyk', 'CMYK'],
    [depth === 'ushort', '16 bits'],
    [hasAlpha, 'transparent, laid on white'],
    [(pages ?? 1) > 1, 'animated, first frame'],
  ];
  return found.filter(([holds]) => holds).map(([, remark]) => remark);
}

/**
 * Decodes a file and cuts ADM's centre crop of `size` pixels out. Colour profiles are ignored but for CMYK, as in ADM and
 * REPA.
 * @throws Error where the file is cut off, damaged or not an image
 */
export async function decodeImage(file: Uint8Array, size: number): Promise<Decoded> {
  const metadata = await sharp(file).metadata();
  const input = {
    failOn: 'error',
    limitInputPixels: LARGEST_PIXELS,
    ignoreIcc: metadata.space !== 'cmyk',
  } as const;
  const { data, info } = await sharp(file, input)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`decoding gave ${info.channels} channels, wanted 3`);
  const pixels = centerCrop({ width: info.width, height: info.height, data }, size);
  return { pixels: pixels as Uint8Array<ArrayBuffer>, remarks: listRemarks(metadata) };
}
