/** Files of before torch 1.6, built byte by byte: forms that today's torch reads but no longer writes. */
import { describe, expect, it } from 'vitest';
import { parseTorch, toFloat32, torchStateDict } from '../src/index.ts';
import { global, integer, joined, sizes, text, tuple } from './torch-archive.ts';

const pickle = (...opcodes: readonly (Uint8Array | string | readonly number[])[]): Uint8Array =>
  joined([0x80, 2], ...opcodes, '.');

const MAGIC = pickle([0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
const VERSION = pickle([0x4d, 0xe9, 3]);
const system = (little: boolean): Uint8Array =>
  pickle(
    '}',
    text('protocol_version'),
    [0x4d, 0xe9, 3],
    's',
    text('little_endian'),
    [little ? 0x88 : 0x89],
    's',
  );

/** A tensor of `shape` on `storage` of four floats, or on a view of it. */
const tensor = (shape: readonly number[], view: Uint8Array): Uint8Array =>
  joined(
    global('torch._utils', '_rebuild_tensor'),
    tuple(
      joined(
        tuple(
          text('storage'),
          joined(global('torch', 'FloatStorage')),
          text('7'),
          text('cpu'),
          integer(4),
          view,
        ),
        'Q',
      ),
      integer(0),
      sizes(...shape),
      sizes(1),
    ),
    'R',
  );

const values = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const storage = (count: number): Uint8Array =>
  joined(new Uint8Array(new BigUint64Array([BigInt(count)]).buffer), values);

const fileOf = (root: Uint8Array, { little = true, keys = tuple(text('7')), count = 4 } = {}): Uint8Array =>
  joined(MAGIC, VERSION, system(little), root, pickle(keys), storage(count));

const NONE = joined('N');
const root = pickle(
  '}',
  text('whole'),
  tensor([4], NONE),
  's',
  text('view'),
  tensor([2], tuple(text('8'), integer(2), integer(2))),
  's',
);

describe('files of before torch 1.6', () => {
  it('have storages that are views of another', async () => {
    const { view, whole } = torchStateDict((await parseTorch(fileOf(root))).value);
    expect([...toFloat32(view as never)]).toEqual([3, 4]);
    expect([...toFloat32(whole as never)]).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'big-endian',
      fileOf(root, { little: false }),
      /^bad\.pt: the tensors are big-endian, wanted little-endian; load/,
    ],
    ['of another version', joined(MAGIC, pickle([0x4b, 7])), /version 7 of PyTorch's old form, wanted 1001/],
    ['cut in the pickle', fileOf(root).subarray(0, 150), /^bad\.pt: the pickle is cut off/],
  ])('%s are refused', async (_, file, message) => {
    await expect(parseTorch(file, 'bad.pt')).rejects.toThrow(message);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a storage of another length', fileOf(root, { count: 3 }), /storage "7" has 12 bytes, wanted 16/],
    ['a storage that is not listed', fileOf(root, { keys: tuple(text('9')) }), /storage "7" has no place/],
    ['a storage that is cut off', fileOf(root).subarray(0, -4), /names bytes \d+ to \d+, wanted a range/],
    [
      'a view beyond its storage',
      fileOf(pickle('}', text('a'), tensor([2], tuple(text('8'), integer(3), integer(2))), 's')),
      /a view beyond its storage/,
    ],
  ])('%s is named', async (_, file, message) => {
    const { value } = await parseTorch(file, 'bad.pt');
    expect(() => torchStateDict(value)).toThrow(message);
  });
});
