/** Files of torch in every form, read as torch itself reads them: the JSON beside each file is what `torch.load` gave. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  readNumpyPickle,
  readTorch,
  type TensorEntry,
  type TorchValue,
  toFloat32,
  Unread,
} from '../src/index.ts';

const golden = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: what a file holds is known to the tests only
type Data = any;

const expected = (name: string): Data =>
  sorted(
    JSON.parse(readFileSync(golden(`${name}.json`), 'utf8').replaceAll(/(?<=[[ ])Infinity/g, '"Infinity"')),
  );

const TYPES: Readonly<Record<string, string>> = {
  F64: 'torch.float64',
  F32: 'torch.float32',
  F16: 'torch.float16',
  I64: 'torch.int64',
  I16: 'torch.int16',
  U16: 'torch.uint16',
  U32: 'torch.uint32',
  BOOL: 'torch.bool',
  C64: 'torch.complex64',
  F8_E4M3: 'torch.float8_e4m3fn',
  F8_E5M2: 'torch.float8_e5m2',
};

const isEntry = (value: Data): value is TensorEntry => typeof value.dtype === 'string' && 'data' in value;

/** Pairs by key: JavaScript has whole numbers first. */
const inOrder = (pairs: [string, Data][]): Data => pairs.sort(([a], [b]) => (a < b ? -1 : 1));

const isPairs = (json: Data): boolean =>
  Array.isArray(json) &&
  json.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string');

/** The JSON of the golden script with all dicts by key. */
const sorted = (json: Data): Data => {
  if (!Array.isArray(json)) return json;
  return isPairs(json) ? inOrder(json.map(([key, value]) => [key, sorted(value)])) : json.map(sorted);
};

/** A value in the form of the JSON that the golden script writes of torch's. */
function asJson(value: TorchValue): Data {
  if (typeof value === 'bigint') return `${value}`;
  if (value === Number.POSITIVE_INFINITY) return 'Infinity';
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Unread) return { object: value.what };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(asJson);
  if (isEntry(value)) {
    const { dtype, shape, data } = value;
    return { dtype: TYPES[dtype] ?? dtype, shape, bytes: Buffer.from(data).toString('hex') };
  }
  const keys = Object.keys(value);
  if (keys.join() === 'real,imag') return { ...value };
  const pairs = Object.entries(value as Record<string, TorchValue>).map(([key, item]) => [key, asJson(item)]);
  return inOrder(pairs as [string, Data][]);
}

/** Keys that are no text in Python's notation, which quotes text otherwise than JSON does. */
const inPython = (json: Data): Data => JSON.parse(JSON.stringify(json).replaceAll("'a'", '\\"a\\"'));

describe('what torch reads with weights_only=True', () => {
  it.each(['plain.pt', 'plain1.pt', 'plain5.pt', 'old.pt', 'old4.pt'])(
    '%s: has the same values',
    async (name) => {
      expect(asJson((await readTorch(golden(name))).value)).toEqual(inPython(expected(name)));
    },
  );

  it('small floats are widened to torch values', async () => {
    const { float8_e4m3fn, float8_e5m2 }: Data = (await readTorch(golden('plain.pt'))).value;
    const [fine, wide] = [toFloat32(float8_e4m3fn), toFloat32(float8_e5m2)];
    expect([fine[0x7e], fine[1], fine[0x38], fine[0xb8], fine[0x7f]]).toEqual([
      448,
      2 ** -9,
      1,
      -1,
      Number.NaN,
    ]);
    expect([wide[0x7b], wide[1], wide[0x3c], wide[0x7c], wide[0xfd]]).toEqual([
      57344,
      2 ** -16,
      1,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });
});

describe('whole modules', () => {
  it.each(['scripted.pt', 'traced.pt', 'module-old.pt'])('%s: are their state dicts', async (name) => {
    const state: Data = asJson((await readTorch(golden(name))).value);
    expect(Object.fromEntries(state)).toEqual(Object.fromEntries(expected(name)));
  });

  it('may be entries of a checkpoint', async () => {
    const { ema }: Data = (await readTorch(golden('module.pt'))).value;
    expect(Object.fromEntries(asJson(ema))).toEqual(Object.fromEntries(expected('module.pt')));
  });
});

describe('objects of other classes', () => {
  const read = async (): Promise<Data> => (await readTorch(golden('lightning.pt'))).value;

  it('leave everything beside them readable', async () => {
    const value = await read();
    const torch = Object.fromEntries(expected('lightning.pt'));
    const names = ['state_dict', 'hyper_parameters', 'defaults', 'frozen', 'arguments', 'simple', 'no_bytes'];
    const scalars = ['uint8', 'int64', 'flag', 'complex128', 'float16'];
    for (const name of [...names, ...scalars])
      expect([name, asJson(value[name])]).toEqual([name, torch[name]]);
    expect(asJson(value.random[1])).toMatchObject({ dtype: 'torch.uint32', shape: [624] });
    expect([...new Uint32Array(value.random[1].data.slice().buffer)]).toEqual(torch['random'][1].values);
  });

  it('are described and not made', async () => {
    const { callbacks, function: builtin, words }: Data = await read();
    expect(Object.keys(callbacks)).toEqual(['__main__.Mode']);
    const { path, mode, best } = callbacks['__main__.Mode'];
    expect(path).toEqual(new Unread('pathlib.PosixPath("/", "runs", "a.ckpt")'));
    expect(mode).toEqual(new Unread('__main__.Mode("max")'));
    expect(toFloat32(best)[0]).toBe(0.25);
    expect(builtin).toEqual(new Unread('the name builtins.len'));
    expect(words).toEqual(new Unread('a NumPy array of type U2'));
  });

  it('arrays come in little-endian, row-major order', async () => {
    const { big, column_major }: Data = await read();
    expect([...new Int32Array(big.data.slice().buffer)]).toEqual([1, -2, 3]);
    expect([column_major.shape, [...toFloat32(column_major)]]).toEqual([
      [2, 3],
      [0, 1, 2, 3, 4, 5],
    ]);
  });
});

it('pickles of protocol 0 are text', async () => {
  expect(asJson(await readNumpyPickle(golden('text.pkl')))).toEqual(expected('text.pkl'));
});
