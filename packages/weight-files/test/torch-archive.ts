/** Builds PyTorch archives byte by byte, to try forms that torch.save does not write. */
import { crc32 } from 'node:zlib';

const encoder = new TextEncoder();

export function joined(...chunks: readonly (Uint8Array | string | readonly number[])[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      chunks.map((chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : Uint8Array.from(chunk))),
    ),
  );
}

/** Little-endian fields: `[value, bytes]` each. */
function fields(...list: readonly (readonly [number, number])[]): Uint8Array {
  return joined(
    ...list.map(([value, bytes]) =>
      Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256),
    ),
  );
}

/** What to write of an entry other than the truth. */
export interface ZipLie {
  readonly method?: number;
  readonly flags?: number;
  /** Bytes of the content; as many as `data` unless it is deflated. */
  readonly size?: number;
  readonly crc?: number;
  readonly header?: number;
}

/** A zip archive of stored entries. */
export function zipOf(
  entries: readonly (readonly [name: string, data: Uint8Array, lie?: ZipLie])[],
): Uint8Array {
  const locals: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const [name, data, lie = {}] of entries) {
    const { method = 0, flags = 0, size = data.length, header = at, crc = crc32(data) } = lie;
    const sizes = [
      [crc, 4],
      [method === 8 ? data.length : size, 4],
      [size, 4],
    ] as const;
    const label = encoder.encode(name);
    const local = joined(
      fields([0x04034b50, 4], [20, 2], [flags, 2], [method, 2], [0, 4], ...sizes),
      fields([label.length, 2], [0, 2]),
      label,
      data,
    );
    central.push(
      fields([0x02014b50, 4], [20, 2], [20, 2], [flags, 2], [method, 2], [0, 4], ...sizes),
      fields([label.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [header, 4]),
      label,
    );
    locals.push(local);
    at += local.length;
  }
  const directory = joined(...central);
  const end = fields([0x06054b50, 4], [0, 4], [entries.length, 2], [entries.length, 2]);
  return joined(...locals, directory, end, fields([directory.length, 4], [at, 4], [0, 2]));
}

/** A PyTorch archive of a pickle (without its end) and storages by key. */
export function archiveOf(
  pickle: readonly (Uint8Array | string | readonly number[])[],
  storages: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array {
  return zipOf([
    ['a/data.pkl', joined([0x80, 2], ...pickle, '.')],
    ...Object.entries(storages).map(([key, data]) => [`a/data/${key}`, data] as const),
  ]);
}

/** Opcodes that push text, a small integer, a tuple of what lies above a mark. */
export const text = (value: string): Uint8Array =>
  joined('X', fields([encoder.encode(value).length, 4]), value);
export const integer = (value: number): Uint8Array =>
  joined('J', fields([value < 0 ? value + 2 ** 32 : value, 4]));
export const global = (module: string, name: string): string => `c${module}\n${name}\n`;
export const tuple = (...items: readonly Uint8Array[]): Uint8Array => joined('(', ...items, 't');
export const sizes = (...values: readonly number[]): Uint8Array => tuple(...values.map(integer));

/** Opcodes of a tensor on storage `key` of `count` elements. */
export function tensor(
  key: string,
  count: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  storage = 'FloatStorage',
): Uint8Array {
  const id = tuple(text('storage'), joined(global('torch', storage)), text(key), text('cpu'), integer(count));
  const hooks = joined(global('collections', 'OrderedDict'), ')R');
  return joined(
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(joined(id, 'Q'), integer(offset), sizes(...shape), sizes(...strides), joined([0x89]), hooks),
    'R',
  );
}
