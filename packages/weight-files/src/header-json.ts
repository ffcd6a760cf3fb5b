/**
 * A parser for the JSON of a safetensors header: objects, arrays, strings, null and non-negative integers, three levels deep;
 * the index of shards may have any numbers and literals. Unlike JSON.parse it refuses a key that occurs twice and a key that names a prototype.
 */
import { FORBIDDEN_NAMES, quote } from './dtype.ts';

/** A parsed value; objects are maps, so that no key can reach a prototype. */
export type HeaderValue =
  | string
  | number
  | boolean
  | null
  | readonly HeaderValue[]
  | ReadonlyMap<string, HeaderValue>;

interface Cursor {
  readonly text: string;
  readonly source: string;
  readonly number: RegExp;
  at: number;
}

const MAX_DEPTH = 3;
const MAX_LIST = 64;

function fail(cursor: Cursor, wanted: string): never {
  const found =
    cursor.at < cursor.text.length ? quote(cursor.text.slice(cursor.at, cursor.at + 12)) : 'its end';
  throw new Error(`${cursor.source}: the JSON has ${found} at character ${cursor.at}, wanted ${wanted}.`);
}

/** The next character that is not white space. */
function peek(cursor: Cursor): string {
  while (cursor.at < cursor.text.length && ' \t\n\r'.includes(cursor.text.charAt(cursor.at))) cursor.at++;
  return cursor.text.charAt(cursor.at);
}

function take(cursor: Cursor, character: string): void {
  if (peek(cursor) !== character) fail(cursor, `'${character}'`);
  cursor.at++;
}

function isEscaped(text: string, quoteAt: number, start: number): boolean {
  let slashes = 0;
  while (quoteAt - slashes > start && text.charAt(quoteAt - slashes - 1) === '\\') slashes++;
  return slashes % 2 === 1;
}

function parseString(cursor: Cursor): string {
  if (peek(cursor) !== '"') fail(cursor, 'a string');
  const start = cursor.at + 1;
  let end = cursor.text.indexOf('"', start);
  while (end >= 0 && isEscaped(cursor.text, end, start)) end = cursor.text.indexOf('"', end + 1);
  if (end < 0) fail(cursor, 'a string that ends');
  try {
    const value = JSON.parse(cursor.text.slice(start - 1, end + 1)) as string;
    cursor.at = end + 1;
    return value;
  } catch {
    return fail(cursor, 'a string with valid escapes and no control characters');
  }
}

const INTEGER = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
const ANY_NUMBER = /-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?(?![\d.eE])/y;

function parseNumber(cursor: Cursor): number {
  const { number, text } = cursor;
  number.lastIndex = cursor.at;
  const value = Number(number.exec(text)?.[0]);
  if (!(number === INTEGER ? Number.isSafeInteger(value) : Number.isFinite(value)))
    fail(cursor, 'a string, a list, an object or an integer from 0 to 2^53 - 1');
  cursor.at = number.lastIndex;
  return value;
}

const LITERALS = new Map<string, boolean | null>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** The literal at the cursor: in a header null alone. */
function parseLiteral(cursor: Cursor): boolean | null | undefined {
  const word = /[a-z]{4,5}/y;
  word.lastIndex = cursor.at;
  const name = word.exec(cursor.text)?.[0] ?? '';
  if (cursor.number === INTEGER && name !== 'null') return undefined;
  const value = LITERALS.get(name);
  if (value !== undefined) cursor.at += name.length;
  return value;
}

/** `open item, item close`; `item` parses one. */
function parseItems(cursor: Cursor, open: string, close: string, item: () => void): void {
  take(cursor, open);
  if (peek(cursor) === close) {
    cursor.at++;
    return;
  }
  for (;;) {
    item();
    if (peek(cursor) === close) break;
    take(cursor, ',');
  }
  cursor.at++;
}

function parseObject(cursor: Cursor, depth: number): ReadonlyMap<string, HeaderValue> {
  const object = new Map<string, HeaderValue>();
  parseItems(cursor, '{', '}', () => {
    const key = parseString(cursor);
    if (FORBIDDEN_NAMES.has(key)) {
      throw new Error(`${cursor.source}: the JSON uses the key ${quote(key)}, which no tensor may have.`);
    }
    if (object.has(key)) {
      throw new Error(
        `${cursor.source}: the JSON has the key ${quote(key)} twice; readers would disagree on its meaning.`,
      );
    }
    take(cursor, ':');
    object.set(key, parseValue(cursor, depth + 1));
  });
  return object;
}

function parseValue(cursor: Cursor, depth: number): HeaderValue {
  const next = peek(cursor);
  if (next === '"') return parseString(cursor);
  if (next !== '{' && next !== '[') {
    const literal = parseLiteral(cursor);
    return literal === undefined ? parseNumber(cursor) : literal;
  }
  if (depth > MAX_DEPTH) fail(cursor, `nesting no deeper than ${MAX_DEPTH}`);
  if (next === '{') return parseObject(cursor, depth);
  const list: HeaderValue[] = [];
  parseItems(cursor, '[', ']', () => {
    if (list.length === MAX_LIST) fail(cursor, `a list of at most ${MAX_LIST} items`);
    list.push(parseValue(cursor, depth + 1));
  });
  return list;
}

/**
 * Parses a whole header, or with `numbers: 'any'` the index of shards; `source` names the file in errors.
 * @throws Error where the text is not such JSON
 */
export function parseHeaderJson(
  text: string,
  source: string,
  numbers: 'integers' | 'any' = 'integers',
): ReadonlyMap<string, HeaderValue> {
  const cursor: Cursor = { text, source, number: numbers === 'any' ? ANY_NUMBER : INTEGER, at: 0 };
  if (!text.startsWith('{')) fail(cursor, "'{' as first character");
  const object = parseObject(cursor, 1);
  if (peek(cursor) !== '') fail(cursor, 'nothing after the object');
  return object;
}
