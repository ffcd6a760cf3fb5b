/** Names of files as archives store them. */
import { isUtf8 } from 'node:buffer';

const SEQUENCE =
  /(?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+|[\x80-\xff]/g;

const decoder = new TextDecoder();

/** A name from its bytes; those that are no UTF-8 become lone surrogates, as by Python's `surrogateescape`. */
export function decodeName(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return decoder.decode(bytes);
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(SEQUENCE, (part) => {
      const raw = Buffer.from(part, 'latin1');
      return isUtf8(raw) ? raw.toString() : String.fromCharCode(0xdc00 + part.charCodeAt(0));
    });
}

const ESCAPED = /[\udc80-\udcff]/;
// Halves of pairs are skipped by matching pairs first.
const LONE = /[\ud800-\udbff][\udc00-\udfff]|[\udc80-\udcff]/g;

const replaceLone = (name: string, by: (byte: number) => string): string =>
  name.replace(LONE, (part) => (part.length === 2 ? part : by(part.charCodeAt(0) - 0xdc00)));

/** How `decodeName`'s names are written: U+FFFD for what is no UTF-8, or `\xe9` (Python's `backslashreplace`) where two names would become one. */
export function nameWriter(names: readonly string[]): (name: string) => string {
  const odd = new Set(names.filter((name) => ESCAPED.test(name)));
  const replaced = (name: string): string => replaceLone(name, () => '\ufffd');
  if (new Set([...odd].map(replaced)).size === odd.size) return replaced;
  return (name) => replaceLone(name, (byte) => `\\x${byte.toString(16)}`);
}

/** A name without a leading `/`, `.` and empty parts; `..` stays, as a name of its own. */
export const cleanName = (name: string): string =>
  /^\/|\/\/|(^|\/)\.(\/|$)/.test(name)
    ? name
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/')
    : name;

/** Whether a part of a path hides what is below it: dot files, and what macOS writes into zip archives. */
export const isHidden = (part: string): boolean =>
  (part.startsWith('.') && part !== '..') || part === '__MACOSX';

/** A sentence where names are equal but for case or Unicode form: such files become one on other systems. */
export function similarNames(names: readonly string[]): string[] {
  const first = new Map<string, string>();
  const pairs: (readonly [string, string])[] = [];
  for (const name of names) {
    const key = name.normalize('NFC').toLowerCase();
    const other = first.get(key);
    if (other === undefined) first.set(key, name);
    else pairs.push([other, name]);
  }
  const [pair] = pairs;
  if (pair === undefined) return [];
  const others = pairs.length === 1 ? '' : `, and ${pairs.length - 1} more`;
  return [`${pair.join(' and ')} differ only in case or Unicode form${others}; all are read`];
}
