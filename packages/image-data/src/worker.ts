/** Decodes one image; run by the threads of `createDecoder`. */
import { type Decoded, decodeImage } from './decode.ts';

/** The square of a file. */
export default function decode({ file, size }: { file: Uint8Array; size: number }): Promise<Decoded> {
  return decodeImage(file, size);
}
