/** Header of a .npy file: checked before a value is read, and written. */
import { byteLength, type DType, quote } from './dtype.ts';
import type { Source } from './source.ts';

/** A checked header; the values follow it from byte `begin` to the end of the file. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Whether the first axis varies fastest. */
  readonly fortran: boolean;
  readonly begin: number;
}

const MAGIC = '\x93NUMPY';

/** Longest header that is read, also the longest that version 1.0 can have. */
const MAX_HEADER_BYTES = 65535;
const MAX_AXES = 64;
const ALIGNMENT = 64;

const DESCR: ReadonlyMap<DType, string> = new Map<DType, string>([
  ['F64', '<f8'],
  ['F32', '<f4'],
  ['F16', '<f2'],
  ['I64', '<i8'],
  ['I32', '<i4'],
  ['I16', '<i2'],
  ['I8', '|i1'],
  ['U8', '|u1'],
  ['BOOL', '|b1'],
  ['U64', '<u8'],
  ['U32', '<u4'],
  ['U16', '<u2'],
  ['C64', '<c8'],
]);

const DTYPES: ReadonlyMap<string, DType> = new Map([...DESCR].map(([dtype, descr]) => [descr, dtype]));

function fail(source: Source, problem: string): never {
  throw new Error(`${source.name}: ${problem}.`);
}

const ITEM = /\s*'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\([\d,\sL]*\))\s*(,|$)/y;

/** The three fields of the Python dict in the header, as text. */
function parseFields(source: Source, text: string): ReadonlyMap<string, string> {
  const dict = text.trimEnd();
  if (!dict.startsWith('{') || !dict.endsWith('}'))
    fail(source, `the .npy header is ${quote(text)}, wanted a dict`);
  const inner = dict.slice(1, -1).trimEnd();
  const body = inner.endsWith(',') ? inner.slice(0, -1) : inner;
  const fields = new Map<string, string>();
  ITEM.lastIndex = 0;
  for (let at = 0; at < body.length; at = ITEM.lastIndex) {
    const [, key, value, end] = ITEM.exec(body) ?? [];
    if (key === undefined || value === undefined)
      fail(
        source,
        `the .npy header has ${quote(body.slice(at, at + 60))}, wanted only a plain descr, fortran_order and shape; object and structured arrays are not read`,
      );
    if (fields.has(key)) fail(source, `the .npy header has ${key} twice`);
    fields.set(key, value);
    if (end === '') break;
  }
  if (fields.size !== 3)
    fail(
      source,
      `the .npy header has ${[...fields.keys()].join(', ')}, wanted descr, fortran_order and shape`,
    );
  return fields;
}

function parseType(source: Source, text: string): DType {
  const descr = text.slice(1, -1);
  const dtype = DTYPES.get(descr.replace(/^[<=](?=[iub]1$)/, '|'));
  if (dtype) return dtype;
  const wanted = [...DESCR.values()].join(', ');
  return fail(source, `the array's type is ${quote(descr)}, wanted one of ${wanted}`);
}

function parseShape(source: Source, text: string): readonly number[] {
  const items = text
    .slice(1, -1)
    .split(',', MAX_AXES + 2)
    .map((item) => item.trim());
  if (items.at(-1) === '') items.pop(); // the comma behind the last
  const shape = items.map((item) => (/^\d+L?$/.test(item) ? Number.parseInt(item, 10) : Number.NaN));
  if (!text.startsWith('(') || shape.length > MAX_AXES || !shape.every(Number.isSafeInteger))
    fail(
      source,
      `the .npy header has the shape ${quote(text)}, wanted a tuple of at most ${MAX_AXES} integers below 2^53`,
    );
  return shape;
}

/**
 * Reads and checks the header of the .npy file that fills `source`.
 * @throws Error where the header is invalid
 */
export async function readNpyHeader(source: Source): Promise<NpyHeader> {
  const start = Buffer.from(await source.read(0, Math.min(12, source.size)));
  if (start.length < 12 || start.toString('latin1', 0, 6) !== MAGIC)
    fail(source, 'the file does not begin as a .npy file does; it is cut off or something else');
  const version = start[6] as number;
  if (version < 1 || version > 3)
    fail(source, `the .npy version is ${version}.${start[7]}, wanted 1.0, 2.0 or 3.0`);
  const length = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  const begin = (version === 1 ? 10 : 12) + length;
  if (length > MAX_HEADER_BYTES || begin > source.size || begin < start.length)
    fail(
      source,
      `the .npy header claims ${length} bytes, wanted at most ${MAX_HEADER_BYTES} within the file's ${source.size}`,
    );
  const rest = await source.read(start.length, begin - start.length);
  const text = Buffer.concat([start, rest]).toString('latin1', begin - length);
  const fields = parseFields(source, text);
  const dtype = parseType(source, fields.get('descr') as string);
  const shape = parseShape(source, fields.get('shape') as string);
  const bytes = byteLength(dtype, shape);
  if (bytes !== source.size - begin) {
    const claimed = bytes === undefined ? 'more than 2^53' : bytes;
    fail(
      source,
      `shape [${shape}] of ${dtype} takes ${claimed} bytes, wanted the ${source.size - begin} that follow the header`,
    );
  }
  return { dtype, shape, fortran: fields.get('fortran_order') === 'True', begin };
}

/**
 * The header that NumPy writes for a row-major array (version 1.0, the values aligned to 64 bytes).
 * @throws Error where NumPy has no such dtype
 */
export function encodeNpyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  const descr = DESCR.get(dtype);
  if (descr === undefined)
    throw new Error(`A .npy file cannot hold ${dtype}, wanted one of ${[...DESCR.keys()].join(', ')}.`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(length, ' ');
  bytes.write(`${MAGIC}\x01\x00`, 'latin1');
  bytes.writeUInt16LE(length - 10, 8);
  bytes.write(dict, 10, 'latin1');
  bytes[length - 1] = 0x0a;
  return new Uint8Array(bytes);
}
