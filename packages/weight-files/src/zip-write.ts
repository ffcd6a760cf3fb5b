/** The records of a zip archive whose entries are stored; zip64 where 32 bits do not suffice. */

/** An entry to write: its content of `size` bytes follows its local header, which stands at byte `header`. */
export interface StoredEntry {
  readonly name: string;
  readonly size: number;
  readonly crc: number;
  readonly header: number;
}

const MAX16 = 0xffff;
const MAX32 = 0xffffffff;
/** 1 January 1980, the earliest date of the format. */
const DATE = 0x21;

type Field = readonly [value: number, bytes: 2 | 4 | 8];

function record(fields: readonly Field[], ...rest: readonly Uint8Array[]): Uint8Array {
  const head = new DataView(new ArrayBuffer(fields.reduce((sum, [, bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 2) head.setUint16(at, value, true);
    else if (bytes === 4) head.setUint32(at, value, true);
    else head.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), ...rest]));
}

/** The zip64 field of the values that are too large for their 32 bits; empty where none is. */
function wideField(values: readonly number[]): Uint8Array {
  const wide = values.filter((value) => value >= MAX32);
  if (wide.length === 0) return new Uint8Array(0);
  return record([[1, 2], [8 * wide.length, 2], ...wide.map((value) => [value, 8] as const)]);
}

const narrow = (value: number): Field => [Math.min(value, MAX32), 4];

/** Fields common to a local header and the directory: version, flags (names are UTF-8), method, time, checksum, sizes. */
function common({ size, crc }: StoredEntry, version: number): readonly Field[] {
  return [[version, 2], [0x800, 2], [0, 2], [0, 2], [DATE, 2], [crc, 4], narrow(size), narrow(size)];
}

/** The header in front of an entry's content; its length depends on name and size alone. */
export function localHeader(entry: StoredEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const wide = wideField([entry.size, entry.size]);
  const version = wide.length > 0 ? 45 : 20;
  return record([[0x04034b50, 4], ...common(entry, version), [name.length, 2], [wide.length, 2]], name, wide);
}

function directoryRecord(entry: StoredEntry): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const wide = wideField([entry.size, entry.size, entry.header]);
  const version = wide.length > 0 ? 45 : 20;
  const attributes: readonly Field[] = [
    [0, 2],
    [0, 2],
    [0, 2],
    [0o100644 * 0x10000, 4],
  ];
  return record(
    [
      [0x02014b50, 4],
      [0x300 + version, 2],
      ...common(entry, version),
      [name.length, 2],
      [wide.length, 2],
      ...attributes,
      narrow(entry.header),
    ],
    name,
    wide,
  );
}

/** The directory and the end of an archive; they follow the content from byte `begin` on. */
export function encodeDirectory(entries: readonly StoredEntry[], begin: number): Uint8Array {
  const records = entries.map(directoryRecord);
  const bytes = records.reduce((sum, { length }) => sum + length, 0);
  const count = entries.length;
  const end64 = record([
    [0x06064b50, 4],
    [44, 8],
    [0x32d, 2],
    [45, 2],
    [0, 4],
    [0, 4],
    [count, 8],
    [count, 8],
    [bytes, 8],
    [begin, 8],
  ]);
  const locator = record([
    [0x07064b50, 4],
    [0, 4],
    [begin + bytes, 8],
    [1, 4],
  ]);
  const wide = begin >= MAX32 || bytes >= MAX32 || count >= MAX16;
  const narrowCount: Field = [Math.min(count, MAX16), 2];
  const end = record([
    [0x06054b50, 4],
    [0, 4],
    narrowCount,
    narrowCount,
    narrow(bytes),
    narrow(begin),
    [0, 2],
  ]);
  return new Uint8Array(Buffer.concat([...records, ...(wide ? [end64, locator] : []), end]));
}
