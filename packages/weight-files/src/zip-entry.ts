/** The content of one entry of a zip archive, inflated where it must be, its checksum verified when it is read through. */
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { quote } from './dtype.ts';
import type { Source } from './source.ts';
import { entryData, type ZipEntry } from './zip.ts';

const CHUNK_BYTES = 1 << 16;

type Read = Source['read'];

/** Content without the packing: bytes from `begin` on, as stored. */
function stored(source: Source, begin: number): Read {
  return (position, length) => source.read(begin + position, length);
}

/** The inflated content from its start on. */
function inflate(source: Source, begin: number, packed: number): AsyncIterator<Uint8Array> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed; at += CHUNK_BYTES)
      yield await source.read(begin + at, Math.min(CHUNK_BYTES, packed - at));
  }
  const inflater = createInflateRaw();
  inflater.on('error', () => undefined); // the iterator reports it too
  const input = Readable.from(chunks()).on('error', (error) => inflater.destroy(error));
  return input.pipe(inflater)[Symbol.asyncIterator]();
}

/** Deflated content: consecutive reads continue, a read further back inflates from the start. */
function inflated(source: Source, begin: number, { packed, size }: ZipEntry, name: string): Read {
  let chunks = inflate(source, begin, packed);
  let buffer: Uint8Array = new Uint8Array(0);
  let at = 0;

  /** Takes bytes off the stream: into `into`, or away. */
  async function take(length: number, into?: Uint8Array): Promise<void> {
    for (let done = 0; done < length; ) {
      if (buffer.length === 0) {
        const next = await chunks.next().catch((cause: Error) => {
          throw new Error(`${name}: the entry cannot be inflated (${cause.message}).`, { cause });
        });
        if (next.done)
          throw new Error(`${name}: the entry ends at byte ${at}, wanted ${size}; it is damaged.`);
        buffer = next.value;
      }
      const piece = buffer.subarray(0, length - done);
      into?.set(piece, done);
      buffer = buffer.subarray(piece.length);
      done += piece.length;
      at += piece.length;
    }
  }

  async function read(position: number, length: number): Promise<Uint8Array> {
    if (position < at) {
      chunks = inflate(source, begin, packed);
      buffer = new Uint8Array(0);
      at = 0;
    }
    await take(position - at);
    const bytes = new Uint8Array(length);
    await take(length, bytes);
    return bytes;
  }

  let last: Promise<unknown> = Promise.resolve();
  return (position, length) => {
    const bytes = last.then(() => read(position, length));
    last = bytes.catch(() => undefined);
    return bytes;
  };
}

/** Compares the checksum once reads without a gap have gone from the first byte to the last. */
function checked(read: Read, { size, crc }: ZipEntry, name: string): Read {
  let through = 0;
  let sum = 0;
  return async (position, length) => {
    if (!(position >= 0 && length >= 0 && position + length <= size)) {
      throw new Error(
        `${name}: the entry's content names bytes ${position} to ${position + length}, wanted a range within its ${size}.`,
      );
    }
    const bytes = await read(position, length);
    if (position === 0) [through, sum] = [0, 0];
    if (position !== through) return bytes;
    sum = crc32(bytes, sum);
    through += length;
    if (through === size && sum !== crc)
      throw new Error(`${name}: the entry's checksum is wrong; the file is damaged, get it again.`);
    return bytes;
  };
}

/** The content of an entry as a source. Consecutive reads are cheap also where it is deflated. */
export async function entrySource(source: Source, entry: ZipEntry): Promise<Source> {
  const name = `${source.name}: ${quote(entry.name)}`;
  const begin = await entryData(source, entry);
  const read = entry.deflated ? inflated(source, begin, entry, name) : stored(source, begin);
  return { name, size: entry.size, read: checked(read, entry, name) };
}
