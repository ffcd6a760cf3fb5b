import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DType,
  encodeSafetensors,
  fromFloat32,
  parseSafetensors,
  readSafetensors,
  type TensorEntry,
  toFloat32,
  writeSafetensors,
} from '../src/index.ts';

const reference = fileURLToPath(new URL('./golden/reference.safetensors', import.meta.url));

const WIDTHS = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  C64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  F6_E3M2: 0.75,
  F6_E2M3: 0.75,
  F4: 0.5,
} as const satisfies Readonly<Record<DType, number>>;

function sample(dtype: DType): TensorEntry {
  const data = Uint8Array.from({ length: 8 * WIDTHS[dtype] }, (_, i) =>
    dtype === 'BOOL' ? i % 2 : (i * 37) % 251,
  );
  return { dtype, shape: [2, 4], data };
}

const everyType = Object.fromEntries(
  (Object.keys(WIDTHS) as DType[]).map((dtype) => [`layer.${dtype}`, sample(dtype)]),
);

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weight-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a file of the reference writer', () => {
  it('reads with every type, shape and value', async () => {
    const { metadata, tensors } = await readSafetensors(reference);
    expect(metadata).toEqual({ format: 'pt' });
    expect(Object.keys(tensors)).toHaveLength(13);
    const shapes = Object.fromEntries(
      Object.entries(tensors).map(([name, { dtype, shape }]) => [name, [dtype, ...shape]]),
    );
    expect(shapes).toMatchObject({
      'block.0.f32': ['F32', 2, 5],
      'block.1.f16': ['F16', 5, 2, 1],
      bool: ['BOOL', 3],
      empty: ['F32', 0, 4],
      'quoted "name" \u00e9': ['F32', 1],
      scalar: ['F32'],
    });
    const floats = [0, -0, 1, -2.5, 0.1, 65504, 6e-8, Infinity, -Infinity, NaN];
    expect([...toFloat32(tensors['block.0.f64'] as TensorEntry)]).toEqual(floats.map(Math.fround));
    expect([...toFloat32(tensors['block.0.f32'] as TensorEntry)]).toEqual(floats.map(Math.fround));
    const half = [0, -0, 1, -2.5, 0.0999755859375, 65504, 2 ** -24, Infinity, -Infinity, NaN];
    expect([...toFloat32(tensors['block.1.f16'] as TensorEntry)]).toEqual(half);
    expect([...toFloat32(tensors['block.1.bf16'] as TensorEntry)]).toEqual([0, -0, 1, -2.5, 0.10009765625]);
    const { i16 } = tensors;
    expect([...(i16 as TensorEntry).data]).toEqual([0, 128, 7, 0, 9, 0]);
  });

  it('is written again byte for byte', async () => {
    const { metadata, tensors } = await readSafetensors(reference);
    const path = join(folder, 'again.safetensors');
    await writeSafetensors(path, tensors, metadata);
    expect((await readFile(path)).equals(readFileSync(reference))).toBe(true);
    expect(await readdir(folder)).toEqual(['again.safetensors']);
  });

  it('parses from memory at any address', () => {
    const bytes = readFileSync(reference);
    const moved = Buffer.alloc(bytes.length + 3);
    moved.set(bytes, 3);
    for (const memory of [
      moved.subarray(3),
      new Uint8Array(moved.buffer, moved.byteOffset + 3, bytes.length),
    ]) {
      const { scalar, 'block.0.f64': wide } = parseSafetensors(memory).tensors;
      expect(toFloat32(scalar as TensorEntry)[0]).toBe(3.5);
      expect(toFloat32(wide as TensorEntry)[3]).toBe(-2.5);
    }
  });
});

describe('writing', () => {
  it('round-trips every type, with the data at a multiple of 8', () => {
    const bytes = joined(encodeSafetensors(everyType, { note: 'a "quoted" \u{1f600} line\n' }));
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    const { metadata, tensors } = parseSafetensors(bytes);
    expect(metadata).toEqual({ note: 'a "quoted" \u{1f600} line\n' });
    expect(tensors).toEqual(everyType);
  });

  it('does not depend on the order of the records and does not copy tensors', () => {
    const reversed = Object.fromEntries(Object.entries(everyType).reverse());
    const chunks = encodeSafetensors(everyType, { a: '1', b: '2' });
    expect(joined(encodeSafetensors(reversed, { b: '2', a: '1' }))).toEqual(joined(chunks));
    expect(
      chunks.slice(1).every((chunk) => Object.values(everyType).some(({ data }) => data === chunk)),
    ).toBe(true);
  });

  it.each<[string, Record<string, TensorEntry>, Record<string, string>, RegExp]>([
    [
      'a byte count off the shape',
      { w: { ...sample('F32'), shape: [2, 3] } },
      {},
      /"w" .*32 bytes, wanted 24/,
    ],
    ['a negative length', { w: { ...sample('F32'), shape: [-2, -3] } }, {}, /shape is \[-2,-3\]/],
    [
      'an unknown type',
      { w: { ...sample('F32'), dtype: 'F8' as DType } },
      {},
      /dtype is "F8", wanted one of/,
    ],
    ['the metadata key', { __metadata__: sample('U8') }, {}, /cannot hold the name "__metadata__"/],
    ['a prototype name', { w: sample('U8') }, { constructor: 'x' }, /cannot hold the name "constructor"/],
  ])('refuses %s', (_, tensors, metadata, message) => {
    expect(() => encodeSafetensors(tensors, metadata)).toThrow(message);
  });

  it('leaves the old file and no partial one when it fails', async () => {
    const path = join(folder, 'no-such-folder', 'x.safetensors');
    await expect(writeSafetensors(path, everyType)).rejects.toThrow('ENOENT');
    await writeSafetensors(join(folder, 'kept.safetensors'), everyType);
    const size = (await stat(join(folder, 'kept.safetensors'))).size;
    const broken = { w: { ...sample('F32'), shape: [1] } };
    await expect(writeSafetensors(join(folder, 'kept.safetensors'), broken)).rejects.toThrow(
      'cannot be written',
    );
    expect((await stat(join(folder, 'kept.safetensors'))).size).toBe(size);
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('reports a file that was cut off, by its path', async () => {
    const path = join(folder, 'cut.safetensors');
    await writeSafetensors(path, { w: fromFloat32(new Float32Array(100), [100], 'F32') });
    await truncate(path, (await stat(path)).size - 1);
    await expect(readSafetensors(path)).rejects.toThrow(
      /cut\.safetensors: the tensors cover 400 bytes .* wanted all 399/,
    );
    await truncate(path, 20);
    await expect(readSafetensors(path)).rejects.toThrow(/the header claims \d+ bytes, wanted at most 12/);
    await truncate(path, 3);
    await expect(readSafetensors(path)).rejects.toThrow(/has 3 bytes, wanted at least the 8/);
  });
});

describe('tensors of types that are not read', () => {
  const header = (extra: string): Uint8Array => {
    const json = `{${extra}"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"Q3_K","shape":[2],"data_offsets":[4,7]}}`;
    const bytes = new Uint8Array(8 + json.length + 7);
    bytes.set([json.length], 0);
    bytes.set(new TextEncoder().encode(json), 8);
    return bytes;
  };

  it('stand in the way of themselves only', async () => {
    const path = join(folder, 'mixed.safetensors');
    await writeFile(path, header('"__metadata__":null,'));
    const { tensors, metadata } = await readSafetensors(path, (name) => name === 'a');
    expect([Object.keys(tensors), metadata]).toEqual([['a'], {}]);
    await expect(readSafetensors(path)).rejects.toThrow(
      /mixed\.safetensors: tensor "b" has dtype "Q3_K", wanted one of U64, I64/,
    );
  });
});
