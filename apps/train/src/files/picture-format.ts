/** Formats of the pictures that are written, by the extension of the file. */
import { extname } from 'node:path';
import { userError } from '@ahpa/messages';
import type { Sharp } from 'sharp';

const FORMATS: Readonly<Record<string, (picture: Sharp) => Sharp>> = {
  '': (picture) => picture.png(),
  '.png': (picture) => picture.png(),
  '.jpg': (picture) => picture.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
  '.jpeg': (picture) => picture.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }),
  '.webp': (picture) => picture.webp({ quality: 95 }),
};

/**
 * The encoder of the picture file `path`: PNG, JPEG or WebP; PNG where the name has no extension.
 * @throws an error the user can fix where the extension is another
 */
export function pictureEncoder(path: string): (picture: Sharp) => Sharp {
  const encoder = FORMATS[extname(path).toLowerCase()];
  if (encoder !== undefined) return encoder;
  throw userError(
    `${path} ends in "${extname(path)}", wanted a picture as ${Object.keys(FORMATS).filter(Boolean).join(', ')}.`,
  );
}
