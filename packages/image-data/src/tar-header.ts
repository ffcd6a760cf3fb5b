/** Headers of tar archives: ustar, with the extended headers of pax and GNU. */
import { decodeName } from './names.ts';

/** Bytes of a header, and the unit of an archive. */
export const BLOCK = 512;

/** Fields of extended headers that stand in place of those of the next header. */
export interface Extended {
  readonly name?: string;
  readonly target?: string;
  readonly size?: number;
  /** Whether holes are left out of the content, as GNU tar does with `--sparse`. */
  readonly sparse?: boolean;
}

/** The text of a field up to its first zero. */
export function fieldText(block: Uint8Array, begin = 0, length: number = block.length): string {
  const field = block.subarray(begin, begin + length);
  const end = field.indexOf(0);
  return decodeName(end < 0 ? field : field.subarray(0, end));
}

/** Octal digits, or a big-endian number after a byte 0x80 (GNU). NaN where neither stands. */
export function fieldNumber(block: Uint8Array, begin: number, length: number): number {
  if (block[begin] === 0x80)
    return block.subarray(begin + 1, begin + length).reduce((value, byte) => value * 256 + byte, 0);
  const digits = fieldText(block, begin, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === '' ? 0 : Number.NaN;
}

/** Whether a block has the checksum of a header. */
export function hasChecksum(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] as number;
  return fieldNumber(block, 148, 8) === sum;
}

/** The name in a header. */
export function headerName(block: Uint8Array): string {
  const prefix = fieldText(block, 257, 5) === 'ustar' ? fieldText(block, 345, 155) : '';
  const file = fieldText(block, 0, 100);
  return prefix === '' ? file : `${prefix}/${file}`;
}

/** Fields of a pax header, `length key=value\n` each; those that are not understood are left out. */
export function paxFields(record: Uint8Array): Extended {
  let fields: Extended = {};
  for (let at = 0; at < record.length; ) {
    const space = record.indexOf(0x20, at);
    const length = Number(decodeName(record.subarray(at, Math.max(space, at))));
    if (space < 0 || !(length > space - at && at + length <= record.length)) break;
    const equals = record.indexOf(0x3d, space);
    const end = at + length - 1;
    if (equals >= 0 && equals < end && record[end] === 0x0a)
      fields = {
        ...fields,
        ...paxField(decodeName(record.subarray(space + 1, equals)), record.subarray(equals + 1, end)),
      };
    at += length;
  }
  return fields;
}

function paxField(key: string, value: Uint8Array): Extended {
  const text = (): string => decodeName(value);
  if (key === 'GNU.sparse.name') return { name: text(), sparse: true };
  if (key.startsWith('GNU.sparse.')) return { sparse: true };
  if (key === 'path') return { name: text() };
  if (key === 'linkpath') return { target: text() };
  return key === 'size' ? { size: Number(text()) } : {};
}
