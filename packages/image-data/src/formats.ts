/** Formats of image files, told by their first bytes. */

/** A format that is read. */
export type Format =
  | 'JPEG'
  | 'PNG'
  | 'WebP'
  | 'GIF'
  | 'TIFF'
  | 'AVIF'
  | 'BMP'
  | 'Netpbm'
  | 'TGA'
  | 'ICO'
  | 'JPEG 2000'
  | 'HEIF';

/** File names of images. */
export const IMAGE: RegExp =
  /\.(jpe?g|jpe|jfif|png|webp|gif|tiff?|avif|bmp|dib|p[bgpn]m|tga|ico|jp2|j2k|heic|heif)$/i;

/** The extensions of common formats, for messages. */
export const WANTED = '.jpg, .png, .webp, .gif, .tif, .avif, .bmp, .ppm, .tga, .ico, .jp2 or .heic files';

type Signature = readonly [offset: number, text: string];

/** Bytes that files of a format have, as characters, one a byte. */
const SIGNATURES: readonly (readonly [Format, ...Signature[]])[] = [
  ['JPEG', [0, '\xff\xd8\xff']],
  ['PNG', [0, '\x89PNG\r\n\x1a\n']],
  ['WebP', [0, 'RIFF'], [8, 'WEBP']],
  ['GIF', [0, 'GIF8']],
  ['TIFF', [0, 'II*\0']],
  ['TIFF', [0, 'MM\0*']],
  ['TIFF', [0, 'II+\0']],
  ['TIFF', [0, 'MM\0+']],
  ['BMP', [0, 'BM']],
  ['ICO', [0, '\0\0\x01\0']],
  ['JPEG 2000', [0, '\0\0\0\x0cjP  \r\n\x87\n']],
  ['JPEG 2000', [0, '\xff\x4f\xff\x51']],
];

/** What is not read, though its kind is plain. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/<svg/i, 'an SVG drawing'],
  [/^%PDF/, 'a PDF document'],
  [/^%!PS/, 'a PostScript document'],
  [/^\s*(<!DOCTYPE )?<?html/i, 'a web page'],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS in place of the image'],
];

/** Bytes that formats are told by. */
const HEAD_BYTES = 1024;

/** The format of a file. @throws Error where it is none that is read */
export function detectFormat(file: Uint8Array): Format {
  if (file.length === 0) throw new Error('unsupported image format: the file is empty');
  const head = Buffer.from(file.subarray(0, HEAD_BYTES)).toString('latin1');
  const [signed] =
    SIGNATURES.find(([, ...parts]) => parts.every(([offset, text]) => head.startsWith(text, offset))) ?? [];
  const format = signed ?? isoFormat(head) ?? (/^P[1-6]\s/.test(head) ? 'Netpbm' : undefined);
  if (format !== undefined) return format;
  const [, other] = OTHERS.find(([pattern]) => pattern.test(head)) ?? [];
  if (other === undefined && isTga(file)) return 'TGA';
  throw new Error(`unsupported image format: the file is ${other ?? 'of none of the formats that are read'}`);
}

/** The format of an ISO media file by the brands in its first box. */
function isoFormat(head: string): Format | undefined {
  if (!head.startsWith('ftyp', 4)) return undefined;
  const brands = head.slice(8, Buffer.from(head.slice(0, 4), 'latin1').readUInt32BE());
  if (/avi[fs]/.test(brands)) return 'AVIF';
  return /hei[cxms]|hev[cmxs]|mif1|msf1/.test(brands) ? 'HEIF' : undefined;
}

/** Whether the first bytes are a header of TGA, which has no signature: types of colour map and image, size and depth. */
function isTga(file: Uint8Array): boolean {
  if (file.length < 18) return false;
  const [map, kind, depth] = [file[1], file[2], file[16]] as [number, number, number];
  const header = new DataView(file.buffer, file.byteOffset, 18);
  const sized = header.getUint16(12, true) > 0 && header.getUint16(14, true) > 0;
  return map <= 1 && [1, 2, 3, 9, 10, 11].includes(kind) && [1, 8, 15, 16, 24, 32].includes(depth) && sized;
}
