/** PyTorch files of before 1.6: pickles one after the other, the storages behind them. */
import { ELEMENT_BYTES, quote } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { isKind, type Storage, type Value } from './pickle-value.ts';
import type { Source } from './source.ts';
import type { TorchContent } from './torch-content.ts';

/** The magic number as a pickle has it, in binary and in text. */
const MAGIC = '\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19';
const MAGIC_TEXT = 'L119547037146038801333356L';

const VERSION = 1001;

/** Longest start of the file in which the pickles must lie. */
const MAX_PICKLE_BYTES = 1 << 25;

/** First bytes of a file that `isLegacy` looks at. */
export const START_BYTES = 26;

/** Whether a file starts with the pickled magic number: behind the protocol, and a frame from protocol 4 on. */
export function isLegacy(start: Uint8Array): boolean {
  const text = Buffer.from(start).toString('latin1');
  return text.startsWith(MAGIC_TEXT) || text.startsWith(MAGIC, 2) || text.startsWith(MAGIC, 11);
}

/** Position of each storage's bytes; a count of elements stands before them. */
async function locate(
  source: Source,
  keys: Value,
  storages: ReadonlyMap<string, Storage>,
  begin: number,
): Promise<ReadonlyMap<string, { readonly at: number; readonly bytes: number }>> {
  const places = new Map<string, { at: number; bytes: number }>();
  let at = begin;
  for (const key of isKind(keys, 'list') ? keys.items : []) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || at + 8 > source.size) break; // nothing behind it can be placed
    const count = await source.read(at, 8);
    const elements = Number(new DataView(count.buffer, count.byteOffset, 8).getBigUint64(0, true));
    const bytes = elements * (ELEMENT_BYTES.get(storage.dtype) as number);
    places.set(storage.key, { at: at + 8, bytes });
    at += 8 + bytes;
  }
  return places;
}

/**
 * The content of a file of before 1.6.
 * @throws Error where it is damaged, of another version or big-endian
 */
export async function legacyContent(source: Source): Promise<TorchContent> {
  const fail = (problem: string): never => {
    throw new Error(`${source.name}: ${problem}.`);
  };
  const start = await source.read(0, Math.min(source.size, MAX_PICKLE_BYTES));
  let at = 0;
  let storages: ReadonlyMap<string, Storage> = new Map();
  const next = (): Value => {
    const read = unpickle(start, source.name, at);
    at = read.end;
    if (read.storages.size > 0) storages = read.storages;
    return read.value;
  };
  next(); // the magic number
  const version = next();
  if (version !== VERSION)
    fail(`the file has version ${String(version)} of PyTorch's old form, wanted ${VERSION}`);
  const system = next();
  if (isKind(system, 'dict') && system.entries.get('little_endian') === false)
    fail('the tensors are big-endian, wanted little-endian; load the file with torch and save it again');
  const root = next();
  const keys = next();
  const places = await locate(source, keys, storages, at);
  const read = async ({ key, bytes }: Storage, begin: number, length: number): Promise<Uint8Array> => {
    const place = places.get(key);
    if (place?.bytes !== bytes)
      fail(
        `storage ${quote(key)} has ${place ? `${place.bytes} bytes` : 'no place in the file'}, wanted ${bytes}`,
      );
    return source.read((place as { at: number }).at + begin, length);
  };
  return { root, bytes: source.size, read };
}
