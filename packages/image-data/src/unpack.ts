/** Compressed archives as plain files, so that their members can be read in any order. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { zstdChunks } from './zstd.ts';

/** Free bytes of the disk that are left to others. */
const RESERVE = 256 * 2 ** 20;
/** Bytes between two looks at the free space, and those of a piece. */
const STRIDE = 64 * 2 ** 20;
const PIECE = 2 ** 20;

/** First bytes, in hexadecimal digits, of what archives are packed with. */
const MAGIC = [
  [/^1f8b/, 'gzip'],
  [/^(28b52ffd|5.2a4d18)/, 'Zstandard'],
  [/^425a68/, 'bzip2'],
  [/^fd377a585a/, 'xz'],
] as const;

type Packing = (typeof MAGIC)[number][1];

/** A file whose disk space is free once it is closed, also after a kill. */
async function openTemporary(folder: string): Promise<FileHandle> {
  const path = join(folder, `ahpa-${randomUUID()}.tar`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Writes the content of `file` to `target`. @throws Error where it is damaged, or the disk has no room */
async function unpackTo(target: FileHandle, file: FileHandle, packing: Packing, folder: string) {
  const full = (): Error =>
    new Error(`${folder} has no room for it: set TMPDIR to a folder that has, or unpack it by hand`);
  let [written, looked] = [0, 0];
  const write = async (piece: Uint8Array): Promise<void> => {
    if (written >= looked) {
      if ((await freeBytes(folder)) < RESERVE) throw full();
      looked = written + STRIDE;
    }
    await target.appendFile(piece);
    written += piece.length;
  };
  const { size } = await file.stat();
  if ((await freeBytes(folder)) < size + RESERVE) throw full();
  if (packing === 'gzip') {
    const packed = file.createReadStream({ start: 0, autoClose: false, highWaterMark: PIECE });
    await pipeline(packed, createGunzip({ chunkSize: PIECE }), async (pieces: AsyncIterable<Uint8Array>) => {
      for await (const piece of pieces) await write(piece);
    });
  } else for await (const piece of zstdChunks(file.fd)) await write(piece);
}

/**
 * The plain form of an open archive: itself, or a temporary file that takes its place, and sentences about it.
 * @throws Error where it is packed otherwise than with gzip or Zstandard, is damaged, or there is no room; `file` is closed then
 */
export async function unpacked(
  path: string,
  file: FileHandle,
): Promise<{ file: FileHandle; notes: string[] }> {
  const opened = [file];
  try {
    const first = Buffer.alloc(6);
    await file.read(first, 0, first.length, 0);
    const packing = MAGIC.find(([magic]) => magic.test(first.toString('hex')))?.[1];
    if (packing === undefined) return { file, notes: [] };
    if (packing === 'bzip2' || packing === 'xz')
      throw new Error(`it is packed with ${packing}, wanted gzip or Zstandard, or a plain .tar`);
    const folder = tmpdir();
    const plain = await openTemporary(folder);
    opened.push(plain);
    await unpackTo(plain, file, packing, folder);
    await file.close();
    return {
      file: plain,
      notes: [`it is unpacked into ${folder} whenever it is opened; a plain .tar opens at once`],
    };
  } catch (cause) {
    for (const one of opened) await one.close();
    throw new Error(`${path}: the archive cannot be unpacked (${(cause as Error).message}).`, { cause });
  }
}
