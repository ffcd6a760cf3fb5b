/** Directory of a zip archive: positions and sizes of its entries, stored or deflated. */
import { quote } from './dtype.ts';
import type { Source } from './source.ts';

/** One entry; `limit` is the position of the next header, which its data may not reach into. */
export interface ZipEntry {
  readonly name: string;
  readonly deflated: boolean;
  /** Bytes of the content. */
  readonly size: number;
  /** Bytes of the content in the archive, the same unless deflated. */
  readonly packed: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  readonly header: number;
  readonly limit: number;
}

const END = { signature: 0x06054b50, bytes: 22 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const LOCATOR64 = { signature: 0x07064b50, bytes: 20 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };
const DEFLATE = 8;
const LONGEST_COMMENT = 0xffff;
const IN_ZIP64 = 0xffffffff;
const MAX_DIRECTORY_BYTES = 1 << 24;

interface Directory {
  readonly begin: number;
  readonly bytes: number;
  readonly count: number;
}

function toDataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fail(source: Source, problem: string): never {
  throw new Error(`${source.name}: ${problem}.`);
}

/** Position of the end record within the file's last bytes: the last one whose comment fills the rest. */
function findEnd(tail: DataView): number {
  for (let at = tail.byteLength - END.bytes; at >= 0; at--) {
    const ends = at + END.bytes + tail.getUint16(at + 20, true) === tail.byteLength;
    if (ends && tail.getUint32(at, true) === END.signature) return at;
  }
  return -1;
}

async function directory64(source: Source, end: number): Promise<Directory | undefined> {
  if (end < LOCATOR64.bytes) return undefined;
  const locator = toDataView(await source.read(end - LOCATOR64.bytes, LOCATOR64.bytes));
  if (locator.getUint32(0, true) !== LOCATOR64.signature) return undefined;
  const record = toDataView(await source.read(Number(locator.getBigUint64(8, true)), END64.bytes));
  if (record.getUint32(0, true) !== END64.signature)
    fail(source, 'the archive has no zip64 end record where its locator points; it is damaged');
  const number = (at: number): number => Number(record.getBigUint64(at, true));
  return { count: number(32), bytes: number(40), begin: number(48) };
}

async function findDirectory(source: Source): Promise<Directory> {
  const length = Math.min(source.size, END.bytes + LONGEST_COMMENT);
  const tail = toDataView(await source.read(source.size - length, length));
  const at = findEnd(tail);
  if (at < 0) fail(source, 'the archive has no end record; the file is cut off or not a zip archive');
  const end = source.size - length + at;
  const directory = (await directory64(source, end)) ?? {
    count: tail.getUint16(at + 10, true),
    bytes: tail.getUint32(at + 12, true),
    begin: tail.getUint32(at + 16, true),
  };
  if (directory.bytes > MAX_DIRECTORY_BYTES || directory.begin + directory.bytes > end) {
    fail(
      source,
      `the archive's directory claims ${directory.bytes} bytes at ${directory.begin}, wanted it before byte ${end}`,
    );
  }
  return directory;
}

/** Sizes and header position, from the zip64 field where the 32-bit ones refer to it. */
function wideFields(
  source: Source,
  view: DataView,
  at: number,
  name: string,
): Pick<ZipEntry, 'size' | 'packed' | 'header'> {
  const narrow = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
  const wide: number[] = [];
  let extra = at + CENTRAL.bytes + view.getUint16(at + 28, true);
  const end = extra + view.getUint16(at + 30, true);
  for (; extra + 4 <= end; extra += 4 + view.getUint16(extra + 2, true)) {
    if (view.getUint16(extra, true) !== 1) continue;
    const length = Math.min(view.getUint16(extra + 2, true), end - extra - 4);
    for (let i = 0; i + 8 <= length; i += 8) wide.push(Number(view.getBigUint64(extra + 4 + i, true)));
  }
  const widened = narrow.map((value) => (value === IN_ZIP64 ? wide.shift() : value));
  if (widened.includes(undefined)) fail(source, `archive entry ${quote(name)} lacks its zip64 sizes`);
  const [size, packed, header] = widened as [number, number, number];
  return { size, packed, header };
}

/** Deflate cannot shrink its input further than this. */
const MOST_RATIO = 1032;

function describe(source: Source, view: DataView, at: number, name: string): Omit<ZipEntry, 'limit'> {
  const sizes = wideFields(source, view, at, name);
  const method = view.getUint16(at + 10, true);
  const deflated = method === DEFLATE;
  if ((view.getUint16(at + 8, true) & 1) !== 0) fail(source, `archive entry ${quote(name)} is encrypted`);
  if (method !== 0 && !deflated)
    fail(
      source,
      `archive entry ${quote(name)} is compressed by method ${method}, wanted it stored or deflated`,
    );
  if (deflated ? sizes.size > MOST_RATIO * sizes.packed : sizes.size !== sizes.packed)
    fail(
      source,
      `archive entry ${quote(name)} claims to hold ${sizes.size} bytes in ${sizes.packed}; it is damaged`,
    );
  return { name, deflated, crc: view.getUint32(at + 16, true), ...sizes };
}

/**
 * All entries by name.
 * @throws Error where the directory is damaged or a name occurs twice
 */
export async function readDirectory(source: Source): Promise<ReadonlyMap<string, ZipEntry>> {
  const { begin, bytes, count } = await findDirectory(source);
  const view = toDataView(await source.read(begin, bytes));
  const decoder = new TextDecoder();
  const found: Omit<ZipEntry, 'limit'>[] = [];
  for (let at = 0, i = 0; i < count; i++) {
    const fixed = at + CENTRAL.bytes <= bytes && view.getUint32(at, true) === CENTRAL.signature;
    const lengths = fixed ? [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) : [];
    const next = at + CENTRAL.bytes + lengths.reduce((sum, length) => sum + length, 0);
    if (!fixed || next > bytes) fail(source, `the archive's directory is damaged at entry ${i} of ${count}`);
    const name = decoder.decode(
      new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL.bytes, lengths[0]),
    );
    found.push(describe(source, view, at, name));
    at = next;
  }
  found.sort((a, b) => a.header - b.header);
  const entries = new Map<string, ZipEntry>();
  found.forEach((entry, i) => {
    if (entries.has(entry.name)) fail(source, `the archive has the entry ${quote(entry.name)} twice`);
    entries.set(entry.name, { ...entry, limit: found[i + 1]?.header ?? begin });
  });
  return entries;
}

/**
 * Position of an entry's data in the file.
 * @throws Error where the data would overlap the next entry
 */
export async function entryData(source: Source, entry: ZipEntry): Promise<number> {
  const local = toDataView(await source.read(entry.header, LOCAL.bytes));
  if (local.getUint32(0, true) !== LOCAL.signature)
    fail(source, `archive entry ${quote(entry.name)} has no header at byte ${entry.header}`);
  const begin = entry.header + LOCAL.bytes + local.getUint16(26, true) + local.getUint16(28, true);
  if (begin + entry.packed > entry.limit) {
    fail(
      source,
      `archive entry ${quote(entry.name)} claims bytes ${begin} to ${begin + entry.packed}, wanted it to end by ${entry.limit}`,
    );
  }
  return begin;
}
