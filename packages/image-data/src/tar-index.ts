/** Finds the files of a tar archive without reading their content: ustar headers, with the long names of pax and GNU. */

/** A file inside an archive. */
export interface TarEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Bytes of an archive by position. */
export interface TarSource {
  readonly size: number;
  /** Fills as much of `target` as there is from `position` on, and resolves to the number of bytes. */
  read(target: Uint8Array, position: number): Promise<number>;
}

const BLOCK = 512;
/** Records of extended headers are smaller. */
const LARGEST_RECORD = 1 << 20;

const decoder = new TextDecoder();

function text(block: Uint8Array, begin: number, length: number): string {
  const field = block.subarray(begin, begin + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or a big-endian number after a byte 0x80 (GNU). NaN where neither stands. */
function numeric(block: Uint8Array, begin: number, length: number): number {
  if (block[begin] === 0x80)
    return block.subarray(begin + 1, begin + length).reduce((value, byte) => value * 256 + byte, 0);
  const digits = text(block, begin, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === '' ? 0 : Number.NaN;
}

function hasChecksum(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  block.forEach((byte, i) => {
    if (i < 148 || i >= 156) sum += byte;
  });
  return numeric(block, 148, 8) === sum;
}

/** `length key=value\n` records of a pax header. */
function paxFields(record: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at < record.length; ) {
    const space = record.indexOf(0x20, at);
    const length = Number(decoder.decode(record.subarray(at, Math.max(space, at))));
    if (space < 0 || !(length > space - at && at + length <= record.length)) break;
    const [, key, value] =
      /^([^=]*)=([\s\S]*)\n$/.exec(decoder.decode(record.subarray(space + 1, at + length))) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value);
    at += length;
  }
  return fields;
}

interface Override {
  readonly name?: string | undefined;
  readonly size?: number | undefined;
}

/**
 * All regular files of an archive in their order; `name` names the archive in errors.
 * @throws Error where the archive is damaged or cut off
 */
export async function tarEntries(source: TarSource, name: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const block = new Uint8Array(BLOCK);
  let override: Override = {};
  for (let at = 0; at + BLOCK <= source.size; ) {
    const fail = (problem: string): never => {
      throw new Error(`${name}: the archive ${problem} at byte ${at}; it is damaged or cut off.`);
    };
    if ((await source.read(block, at)) < BLOCK) fail('ends');
    if (block.every((byte) => byte === 0)) break;
    if (!hasChecksum(block)) fail('has no tar header');
    const type = String.fromCharCode(block[156] as number);
    const size =
      type !== 'x' && type !== 'L' && override.size !== undefined ? override.size : numeric(block, 124, 12);
    const begin = at + BLOCK;
    if (!(Number.isSafeInteger(size) && size >= 0 && begin + size <= source.size))
      fail(`claims a file of ${size} bytes, more than follow it,`);
    if (type === 'x' || type === 'L') {
      if (size > LARGEST_RECORD) fail(`has an extended header of ${size} bytes`);
      const record = new Uint8Array(size);
      if ((await source.read(record, begin)) < size) fail('ends');
      override =
        type === 'L' ? { ...override, name: text(record, 0, size) } : { ...override, ...paxOverride(record) };
    } else {
      if (type === '0' || type === '\0')
        entries.push({ name: override.name ?? headerName(block), offset: begin, size });
      override = {};
    }
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

function paxOverride(record: Uint8Array): Override {
  const fields = paxFields(record);
  const [path, size] = [fields.get('path'), fields.get('size')];
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

function headerName(block: Uint8Array): string {
  const prefix = text(block, 257, 5) === 'ustar' ? text(block, 345, 155) : '';
  const file = text(block, 0, 100);
  return prefix === '' ? file : `${prefix}/${file}`;
}
