/** Writing of .npy and .npz files; large ones by rows, so that an interrupted writer can be resumed. */
import { constants } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { byteLength, quote, type TensorEntry } from './dtype.ts';
import { encodeNpyHeader } from './npy-header.ts';
import { writeAt, writeWhole } from './write.ts';
import { encodeDirectory, localHeader, type StoredEntry } from './zip-write.ts';

/** Dtype and shape of an array to write. */
export type NpyForm = Pick<TensorEntry, 'dtype' | 'shape'>;

/** An .npz file that is being written as `path.partial`. */
export interface NpzWriter {
  readonly partial: string;
  /** Writes the rows from `start` on: row-major, any rows in any order. */
  write(name: string, start: number, data: Uint8Array): Promise<void>;
  /** Syncs to disk; resolves when the written rows survive a power loss. */
  sync(): Promise<void>;
  /** Completes the file and renames it to `path`. Rows never written are zeros. */
  finish(): Promise<void>;
  /** Closes the unfinished file and keeps it. */
  close(): Promise<void>;
}

interface Slot extends StoredEntry {
  readonly form: NpyForm;
  /** Header of the .npy file. */
  readonly head: Uint8Array;
  /** Position of that header in the archive. */
  readonly begin: number;
}

/** Layout of the archive, which depends on names and forms alone; checksums are still 0. */
function layOut(arrays: Readonly<Record<string, NpyForm>>): { slots: readonly Slot[]; bytes: number } {
  let at = 0;
  const slots = Object.entries(arrays).map(([name, form]) => {
    const bytes = byteLength(form.dtype, form.shape);
    if (bytes === undefined)
      throw new Error(`Array ${quote(name)} of shape [${form.shape}] is too large for a file.`);
    const head = encodeNpyHeader(form.dtype, form.shape);
    const entry = { name: `${name}.npy`, size: head.length + bytes, crc: 0, header: at };
    const begin = at + localHeader(entry).length;
    at = begin + entry.size;
    return { ...entry, form, head, begin };
  });
  return { slots, bytes: at };
}

const PIECE_BYTES = 1 << 22;

async function checksum(file: FileHandle, begin: number, size: number): Promise<number> {
  const piece = new Uint8Array(Math.min(size, PIECE_BYTES));
  let sum = 0;
  for (let done = 0; done < size; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - done), begin + done);
    if (bytesRead === 0) throw new Error('The .npz file became shorter while it was completed.');
    sum = crc32(piece.subarray(0, bytesRead), sum);
    done += bytesRead;
  }
  return sum;
}

async function complete(file: FileHandle, slots: readonly Slot[], bytes: number): Promise<void> {
  const entries: StoredEntry[] = [];
  for (const { name, size, header, begin } of slots) {
    const entry = { name, size, header, crc: await checksum(file, begin, size) };
    await writeAt(file, localHeader(entry), header);
    entries.push(entry);
  }
  const directory = encodeDirectory(entries, bytes);
  await writeAt(file, directory, bytes);
  await file.truncate(bytes + directory.length);
  await file.sync();
}

/** Options of `createNpz`. */
export interface NpzOptions {
  /** Resume `path.partial`, which must exist; default false: it may exist, and keeps its rows. */
  readonly goOn?: boolean;
}

/**
 * Opens `path.partial` to write arrays of known forms by rows; several processes may write different rows. The finished file
 * depends on names, forms and values alone. Entries are stored, with ZIP64 from 4 GiB on.
 * @throws the file system's error where the partial file cannot be opened
 */
export async function createNpz(
  path: string,
  arrays: Readonly<Record<string, NpyForm>>,
  { goOn = false }: NpzOptions = {},
): Promise<NpzWriter> {
  const { slots, bytes } = layOut(arrays);
  const partial = `${path}.partial`;
  const file = await open(partial, goOn ? constants.O_RDWR : constants.O_RDWR | constants.O_CREAT);
  const byName = new Map(slots.map((slot) => [slot.name.slice(0, -4), slot]));
  try {
    if ((await file.stat()).size < bytes) await file.truncate(bytes);
    for (const { head, begin } of slots) await writeAt(file, head, begin);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    partial,
    write: async (name, start, data) => {
      const slot = byName.get(name);
      if (slot === undefined) throw new Error(`${partial}: there is no array ${quote(name)} to write.`);
      const rowBytes = byteLength(slot.form.dtype, slot.form.shape.slice(1)) as number;
      const from = slot.begin + slot.head.length + start * rowBytes;
      const whole = rowBytes === 0 ? data.length === 0 : data.length % rowBytes === 0;
      if (!(Number.isInteger(start) && start >= 0 && whole && from + data.length <= slot.begin + slot.size))
        throw new Error(
          `${partial}: ${data.length} bytes from row ${start} on do not fit array ${quote(name)} of shape [${slot.form.shape}].`,
        );
      await writeAt(file, data, from);
    },
    sync: () => file.sync(),
    finish: async () => {
      try {
        await complete(file, slots, bytes);
      } finally {
        await file.close();
      }
      await rename(partial, path);
    },
    close: () => file.close(),
  };
}

/**
 * Writes an .npz file of arrays that are in memory.
 * @throws the file system's error; the partial file is removed
 */
export async function writeNpz(path: string, arrays: Readonly<Record<string, TensorEntry>>): Promise<void> {
  const writer = await createNpz(path, arrays);
  try {
    for (const [name, { data }] of Object.entries(arrays)) await writer.write(name, 0, data);
  } catch (error) {
    await writer.close();
    throw error;
  }
  await writer.finish();
}

/**
 * Writes a .npy file whole or not at all.
 * @throws Error where data and shape differ, or the disk fails
 */
export async function writeNpy(path: string, { dtype, shape, data }: TensorEntry): Promise<void> {
  const wanted = byteLength(dtype, shape);
  if (data.length !== wanted)
    throw new Error(
      `${path}: ${data.length} bytes do not fit shape [${shape}] of ${dtype}, wanted ${wanted}.`,
    );
  await writeWhole(path, [encodeNpyHeader(dtype, shape), data]);
}
