import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseNumpyPickle, readNumpyPickle, type TensorEntry, toFloat32, Unread } from '../src/index.ts';
import { global, integer, joined, sizes, text, tuple } from './torch-archive.ts';

const path = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

interface Arrays {
  readonly 'layer/conv': readonly [TensorEntry, TensorEntry];
  readonly tuple: readonly [TensorEntry, string, null];
  readonly empty: TensorEntry;
  readonly column: TensorEntry;
  readonly scalar: number;
}

describe('pickles of NumPy arrays', () => {
  it.each(['arrays3.pkl', 'arrays4.pkl'])('%s reads as written', async (name) => {
    const found = (await readNumpyPickle(path(name))) as unknown as Arrays;
    const [grid, counts] = found['layer/conv'];
    expect(grid).toMatchObject({ dtype: 'F32', shape: [2, 3, 2] });
    expect([...toFloat32(grid)]).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(counts).toMatchObject({ dtype: 'I64', shape: [2] });
    const wide = new BigInt64Array(counts.data.slice().buffer);
    expect([...wide]).toEqual([-1n, 2n ** 40n]);
    expect(found.tuple[0]).toMatchObject({ dtype: 'U8', shape: [3], data: Uint8Array.of(1, 1, 1) });
    expect(found.tuple.slice(1)).toEqual(['text', null]);
    expect(found.empty).toMatchObject({ dtype: 'F64', shape: [0, 4] });
    expect([...toFloat32(found.column)]).toEqual([1, 1, 1]);
    expect(found.scalar).toBe(1.5);
  });

  it('cut anywhere is refused', () => {
    const bytes = new Uint8Array(readFileSync(path('arrays3.pkl')));
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseNumpyPickle(bytes.subarray(0, length)), `cut at ${length}`).toThrow(/^a pickle: /);
  });
});

const RECONSTRUCT = global('numpy.core.multiarray', '_reconstruct');
const array = (state: Uint8Array): Uint8Array =>
  joined(
    [0x80, 2],
    RECONSTRUCT,
    tuple(joined(global('numpy', 'ndarray')), sizes(0), text('b')),
    'R',
    state,
    'b.',
  );
const type = (code: string): Uint8Array =>
  joined(global('numpy', 'dtype'), tuple(text(code)), 'R', tuple(integer(3), text('<')), 'b');
const bytes = (length: number): Uint8Array => joined([0x42, length, 0, 0, 0], new Uint8Array(length));
const state = (shape: number[], of: Uint8Array, fortran: string | number[], data: Uint8Array): Uint8Array =>
  tuple(integer(1), sizes(...shape), of, joined(fortran), data);

describe('arrays are not read', () => {
  it.each<[string, Uint8Array, string]>([
    ['of objects', array(state([1], type('O8'), [0x89], bytes(8))), 'a NumPy array of type O8'],
    [
      'with too few bytes',
      array(state([3], type('f4'), [0x89], bytes(8))),
      'a NumPy array of shape [3] with 8 bytes, wanted 12',
    ],
    [
      'larger than memory',
      array(state([2 ** 30, 2 ** 30, 2 ** 30], type('f4'), [0x89], bytes(8))),
      'a NumPy array of shape [1073741824,1073741824,1073741824] with 8 bytes, wanted 4.951760157141521e+27',
    ],
    [
      'without state',
      joined([0x80, 2], RECONSTRUCT, tuple(joined(global('numpy', 'ndarray'))), 'R.'),
      'a NumPy array without content',
    ],
    [
      'that would run code',
      joined([0x80, 2], global('os', 'system'), tuple(text('true')), 'R.'),
      'os.system("true")',
    ],
  ])('%s', (_, pickle, what) => {
    expect(parseNumpyPickle(pickle, 'bad.pkl')).toEqual(new Unread(what));
  });
});
