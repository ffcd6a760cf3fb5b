import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  encodeNpyHeader,
  type NpyArray,
  openNpy,
  openNpz,
  type TensorEntry,
  toFloat32,
} from '../src/index.ts';
import { npyArray, npzArrays } from '../src/npy.ts';
import { bytesSource } from '../src/source.ts';
import { zipOf } from './torch-archive.ts';

const golden = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

const ints = ({ data }: TensorEntry): number[] => [...new Int32Array(data.slice().buffer)];

const grid = Array.from({ length: 24 }, (_, i) => i);

describe.each(['arrays.npz', 'deflated.npz'])('%s of NumPy', (file) => {
  it('gives every type, shape and value', async () => {
    const npz = await openNpz(golden(file));
    const read = async (name: string): Promise<TensorEntry> => (await npz.array(name)).read();
    expect(npz.names.slice(0, 12).join()).toBe('u1,i1,i2,i4,i8,f2,f4,f8,b1,scalar,empty,fortran');
    expect(await read('u1')).toEqual({ dtype: 'U8', shape: [2, 3, 2, 2], data: Uint8Array.from(grid) });
    expect(await read('i1')).toEqual({ dtype: 'I8', shape: [2], data: Uint8Array.of(128, 127) });
    expect([...new Int16Array((await read('i2')).data.slice().buffer)]).toEqual([-32768, 7, 9]);
    expect(ints(await read('i4'))).toEqual([-(2 ** 31), 2 ** 31 - 1]);
    expect([...new BigInt64Array((await read('i8')).data.slice().buffer)]).toEqual([-(2n ** 62n), 3n]);
    expect([...toFloat32(await read('f2'))]).toEqual([0.5, -2, 65504]);
    expect([...toFloat32(await read('f4'))]).toEqual(grid.slice(0, 10).map((i) => Math.fround(i / 9)));
    expect([...toFloat32(await read('f8'))].slice(6)).toEqual([Math.fround(6e-8), Infinity, -Infinity, NaN]);
    expect(await read('b1')).toEqual({ dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect([(await read('scalar')).shape, ...toFloat32(await read('scalar'))]).toEqual([[], 3.5]);
    expect(await read('empty')).toEqual({ dtype: 'F32', shape: [0, 4], data: new Uint8Array(0) });
    expect([(await read('fortran')).shape, ints(await read('fortran'))]).toEqual([[2, 3, 4], grid]);
    await npz.close();
  });

  it('gives rows', async () => {
    const npz = await openNpz(golden(file));
    expect(ints(await (await npz.array('fortran')).read(1, 1))).toEqual(grid.slice(12));
    const row = await (await npz.array('f4')).read(3);
    expect([row.shape, ...toFloat32(row)]).toEqual([[2, 2], ...[6, 7, 8, 9].map((i) => Math.fround(i / 9))]);
    expect((await (await npz.array('f4')).read(5)).shape).toEqual([0, 2]);
    await npz.close();
  });
});

describe('a deflated array', () => {
  const wanted = (start: number, count: number): number[] =>
    Array.from({ length: 3 * count }, (_, i) => Math.floor((3 * start + i) / 7));

  it('gives rows in any order, also asked for at once', async () => {
    const npz = await openNpz(golden('deflated.npz'));
    const rows = await npz.array('rows');
    expect(rows.shape).toEqual([20000, 3]);
    const ranges: [number, number][] = [
      [0, 5],
      [5, 9000],
      [19990, 10],
      [3, 2],
      [0, 20000],
      [12000, 1],
    ];
    const together = ranges.map(async ([start, count]) => ints(await rows.read(start, count)));
    expect(await Promise.all(together)).toEqual(ranges.map((range) => wanted(...range)));
    await npz.close();
  });
});

describe('versions of .npy', () => {
  it.each([1, 2, 3])('%s.0 reads', async (version) => {
    const array = await openNpy(golden(`version${version}.npy`));
    expect([array.dtype, array.shape]).toEqual(['F32', [5, 2]]);
    expect(toFloat32(await array.read())[9]).toBe(1);
    await array.close();
  });

  it('1.0 is what encodeNpyHeader writes, byte for byte', () => {
    const head = encodeNpyHeader('F32', [5, 2]);
    expect(head).toEqual(new Uint8Array(readFileSync(golden('version1.npy')).subarray(0, head.length)));
    expect(() => encodeNpyHeader('BF16', [1])).toThrow('cannot hold BF16, wanted one of F64, F32');
  });
});

/** A version 1.0 file with this dict. */
function npyOf(dict: string, dataBytes: number, claimed = dict.length, version = 1): Uint8Array {
  const head = Buffer.from(`\x93NUMPY${String.fromCharCode(version)}\0__${dict}`, 'latin1');
  head.writeUInt16LE(claimed, 8);
  return new Uint8Array(Buffer.concat([head, Buffer.alloc(dataBytes)]));
}

const dict = (descr: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;

const open = (bytes: Uint8Array): Promise<NpyArray> => npyArray(bytesSource(bytes, 'bad.npy'));

describe('headers of 64 KB', () => {
  const long = 65_000;
  it.each([
    `{${' '.repeat(long)}x`,
    `{${'},'.repeat(long / 2)}`,
    `{${' }'.repeat(long / 2)} x`,
    dict("'<f4'", `(1${' '.repeat(long)}x)`),
    dict("'<f4'", `(${'1 '.repeat(long / 2)})`),
    dict("'<f4'", `(${'1,'.repeat(long / 2)})`),
  ])('%#: are refused in linear time', async (text) => {
    const start = performance.now();
    await expect(open(npyOf(text, 0))).rejects.toThrow(/^bad\.npy: the \.npy header has|wanted a dict/);
    expect(performance.now() - start).toBeLessThan(250);
  });
});

describe('malformed .npy files are refused', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /does not begin as a \.npy file/],
    ['another version', npyOf(dict("'<f4'", '(1,)'), 4, undefined, 7), /version is 7\.0, wanted/],
    ['a header longer than the file', npyOf(dict("'<f4'", '(1,)'), 4, 5000), /claims 5000 bytes/],
    ['objects', new Uint8Array(readFileSync(golden('object.npy'))), /type is "\|O", wanted one of <f8/],
    ['a structure', npyOf(dict("[('a', '<f4')]", '(1,)'), 4), /object and structured arrays are not read/],
    ['big-endian values', npyOf(dict("'>f4'", '(1,)'), 4), /type is ">f4"/],
    ['text', npyOf(dict("'<U3'", '(1,)'), 12), /type is "<U3"/],
    ['no dict', npyOf('[]', 0), /header is "\[\]", wanted a dict/],
    ['code', npyOf("{'descr': __import__('os'), }", 0), /wanted only a plain descr/],
    ['a key twice', npyOf("{'descr': '<f4', 'descr': '<f8', 'shape': (1,)}", 4), /has descr twice/],
    ['a key too few', npyOf("{'descr': '<f4', 'shape': (1,)}", 4), /has descr, shape, wanted/],
    ['a negative length', npyOf(dict("'<f4'", '(-1,)'), 4), /wanted only a plain/],
    ['numbers without commas', npyOf(dict("'<f4'", '(1 2)'), 8), /shape "\(1 2\)", wanted a tuple/],
    ['a product beyond 2^53', npyOf(dict("'<f4'", '(94906267, 94906267)'), 4), /takes more than 2\^53 bytes/],
    ['a length beyond 2^53', npyOf(dict("'<f4'", '(99999999999999999, 0)'), 4), /integers below 2\^53/],
    ['65 axes', npyOf(dict("'<f4'", `(${'1,'.repeat(65)})`), 4), /at most 64 integers/],
    ['more values than bytes', npyOf(dict("'<f4'", '(2,)'), 4), /takes 8 bytes, wanted the 4/],
    ['fewer values than bytes', npyOf(dict("'<f4'", '()'), 8), /takes 4 bytes, wanted the 8/],
  ])('%s', async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toThrow(/^bad\.npy: [^\n]{1,400}\.$/);
  });

  it('and rows that are not there', async () => {
    const array = await open(npyOf(dict("'<f4'", '(2, 1)'), 8));
    for (const range of [[-1, 1], [1, 2], [3], [0.5, 1], [0, Number.NaN]])
      await expect(array.read(...range)).rejects.toThrow(
        /rows .* were asked for, wanted a range within its 2/,
      );
  });
});

const npz = (bytes: Uint8Array): ReturnType<typeof npzArrays> => npzArrays(bytesSource(bytes, 'bad.npz'));

describe('malformed .npz files are refused', () => {
  const npy = npyOf(dict("'|u1'", '(90000,)'), 90000);
  const deflated = deflateRawSync(npy);
  const lie = { method: 8, size: npy.length, crc: crc32(npy) };

  it('unless they are what they are made from', async () => {
    const { array } = await npz(
      zipOf([
        ['a.npy', deflated, lie],
        ['b.npy', npy],
        ['c.txt', npy],
      ]),
    );
    for (const name of ['a', 'b']) expect((await (await array(name)).read()).data.length).toBe(90000);
    await expect(array('c')).rejects.toThrow('bad.npz: there is no array "c", wanted one of "a", "b".');
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['something else', npy, /no end record/],
    ['another method', zipOf([['a.npy', npy, { method: 12 }]]), /compressed by method 12, wanted/],
    ['more than deflate can hold', zipOf([['a.npy', deflated, { ...lie, size: 2 ** 31 }]]), /claims to hold/],
    ['a wrong checksum', zipOf([['a.npy', npy, { crc: 1 }]]), /"a\.npy": the entry's checksum is wrong/],
    [
      'a wrong checksum of deflated bytes',
      zipOf([['a.npy', deflated, { ...lie, crc: 1 }]]),
      /checksum is wrong/,
    ],
    [
      'bytes that do not inflate',
      zipOf([['a.npy', new Uint8Array(99).fill(7), lie]]),
      /cannot be inflated \(invalid/,
    ],
    ['an early end', zipOf([['a.npy', deflateRawSync(npy.subarray(0, 70000)), lie]]), /ends at byte 70000/],
    ['a cut', zipOf([['a.npy', deflated.subarray(0, 100), lie]]), /cannot be inflated \(unexpected end/],
  ])('%s', async (_, bytes, message) => {
    const read = async (): Promise<TensorEntry> => (await (await npz(bytes)).array('a')).read();
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toThrow(/^bad\.npz: [^\n]{1,300}\.$/);
  });
});
