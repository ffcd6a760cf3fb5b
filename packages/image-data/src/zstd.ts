/** Zstandard in pieces, by the official decoder in WebAssembly: Node has one from 22.15 only. */
import { readSync } from 'node:fs';
import { ZSTDDecoder } from 'zstddec/stream';

const PIECE = 1 << 17;
/** The decoder goes on for ever at damage, without a word: it neither reads nor writes. */
const MOST_EMPTY = 8;
/** Damage leaves up to 128 MB of the decoder's 2 GB taken, and without memory it would write nonsense. */
const MOST_DAMAGED = 8;

let damaged = 0;

/**
 * The content of an open file from its start.
 * @throws Error where it is damaged or cut off, or eight others were damaged before in this process
 */
export async function* zstdChunks(fd: number): AsyncGenerator<Uint8Array> {
  if (damaged >= MOST_DAMAGED)
    throw new Error(`${damaged} other archives were damaged: start again without them`);
  const decoder = new ZSTDDecoder();
  await decoder.init();
  let empty = 0;
  function* pieces(): Generator<Uint8Array> {
    const piece = new Uint8Array(PIECE);
    for (let at = 0, count = 0; ; at += count) {
      count = readSync(fd, piece, 0, PIECE, at);
      if (count === 0) return;
      empty = 0;
      yield piece.subarray(0, count);
    }
  }
  for (const chunk of decoder.decodeStreaming(pieces())) {
    empty = chunk.length === 0 ? empty + 1 : 0;
    if (empty > MOST_EMPTY) {
      damaged++;
      throw new Error('damaged Zstandard data');
    }
    if (chunk.length > 0) yield chunk;
  }
}
