import { execFileSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createNpz,
  encodeNpyHeader,
  fromFloat32,
  openNpy,
  openNpz,
  type TensorEntry,
  writeNpy,
  writeNpz,
} from '../src/index.ts';
import { encodeDirectory, localHeader, type StoredEntry } from '../src/zip-write.ts';

/** Why NumPy cannot be asked, or undefined. */
function noNumpy(): string | undefined {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'python3 with numpy is not installed';
  }
}

const reason = noNumpy();
if (reason !== undefined) process.stderr.write(`skipped: opening our files in NumPy, ${reason}\n`);

/** What a Python program prints, as JSON; `np` is NumPy and `f` the path. */
function python(program: string, path: string): unknown {
  const code = `import json, sys, zipfile, numpy as np\nf = sys.argv[1]\n${program}`;
  return JSON.parse(execFileSync('python3', ['-c', code, path], { encoding: 'utf8' }));
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'npz-'));
});
afterAll(() => rm(folder, { recursive: true }));

const images: TensorEntry = {
  dtype: 'U8',
  shape: [6, 2, 2, 3],
  data: Uint8Array.from({ length: 72 }, (_, i) => (i * 37) % 251),
};
const labels: TensorEntry = {
  dtype: 'I64',
  shape: [6],
  data: new Uint8Array(BigInt64Array.from([5n, 4n, 3n, 2n, 1n, -1n]).buffer),
};

describe('an .npz file', () => {
  it('reads back what was written', async () => {
    const path = join(folder, 'small.npz');
    await writeNpz(path, { arr_0: images, arr_1: labels });
    const npz = await openNpz(path);
    expect(npz.names).toEqual(['arr_0', 'arr_1']);
    expect(await (await npz.array('arr_0')).read()).toEqual(images);
    expect(await (await npz.array('arr_1')).read()).toEqual(labels);
    await npz.close();
  });

  it('has the same bytes when it is written by rows, in another order, with a stop in between', async () => {
    const path = join(folder, 'rows.npz');
    const forms = { arr_0: images, arr_1: labels };
    const first = await createNpz(path, forms);
    await first.write('arr_0', 4, images.data.subarray(48));
    await first.write('arr_1', 0, labels.data);
    await first.write('arr_0', 1, images.data.subarray(0, 12)); // wrong, written again below
    await first.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
    const second = await createNpz(path, forms);
    await second.write('arr_0', 0, images.data.subarray(0, 48));
    await second.sync();
    await second.finish();
    expect(await readFile(path)).toEqual(await readFile(join(folder, 'small.npz')));
    await expect(stat(second.partial)).rejects.toThrow('ENOENT');
  });

  it('refuses rows that do not fit', async () => {
    const path = join(folder, 'refused.npz');
    const writer = await createNpz(path, { arr_0: images });
    await expect(writer.write('arr_1', 0, labels.data)).rejects.toThrow('there is no array "arr_1" to write');
    for (const [start, bytes] of [
      [5, 24],
      [0, 11],
      [-1, 12],
      [0.5, 12],
    ] as const)
      await expect(writer.write('arr_0', start, new Uint8Array(bytes))).rejects.toThrow(
        `${bytes} bytes from row ${start} on do not fit array "arr_0" of shape [6,2,2,3]`,
      );
    await writer.close();
    await expect(createNpz(path, { a: { dtype: 'F64', shape: [2 ** 40, 2 ** 40] } })).rejects.toThrow(
      'too large',
    );
    await expect(writeNpy(path, { ...images, shape: [7] })).rejects.toThrow(
      '72 bytes do not fit shape [7] of U8',
    );
  });

  it.skipIf(reason)('opens in NumPy', () => {
    const program = `
with zipfile.ZipFile(f) as z: bad = z.testzip()
d = np.load(f)
print(json.dumps([bad, d.files, str(d['arr_0'].dtype), d['arr_0'].tolist(), d['arr_1'].tolist()]))`;
    const rows = Array.from({ length: 6 }, (_, i) =>
      [0, 6].map((row) =>
        [0, 3].map((at) => [...images.data.subarray(12 * i + row + at, 12 * i + row + at + 3)]),
      ),
    );
    const wanted = [null, ['arr_0', 'arr_1'], 'uint8', rows, [5, 4, 3, 2, 1, -1]];
    expect(python(program, join(folder, 'small.npz'))).toEqual(wanted);
  });

  it('holds more than 4 GiB', async () => {
    // the records that createNpz writes, on a file with a hole, since a checksum over 4 GiB takes too long for a test
    const path = join(folder, 'large.npz');
    const arrays = [
      {
        name: 'arr_0.npy',
        head: encodeNpyHeader('U8', [4400, 1000, 1000]),
        bytes: 4.4e9,
        data: new Uint8Array(0),
      },
      { name: 'arr_1.npy', head: encodeNpyHeader('I64', [6]), bytes: 48, data: labels.data },
    ];
    const file = await open(path, 'w');
    const entries: StoredEntry[] = [];
    let at = 0;
    for (const { name, head, bytes, data } of arrays) {
      const crc = data.length > 0 ? crc32(data, crc32(head)) : 0;
      const entry = { name, size: head.length + bytes, crc, header: at };
      const local = localHeader(entry);
      await file.write(Buffer.concat([local, head, data]), 0, undefined, at);
      at += local.length + entry.size;
      entries.push(entry);
    }
    await file.write(Uint8Array.of(9), 0, 1, (entries[1] as StoredEntry).header - 1);
    await file.write(encodeDirectory(entries, at), 0, undefined, at);
    await file.close();
    const npz = await openNpz(path);
    const array = await npz.array('arr_0');
    expect(array.shape).toEqual([4400, 1000, 1000]);
    expect((await array.read(4399)).data.at(-1)).toBe(9);
    expect(await (await npz.array('arr_1')).read()).toEqual(labels);
    await npz.close();
    if (reason !== undefined) return;
    const program = `
z = zipfile.ZipFile(f)
sizes = [i.file_size for i in z.infolist()]
with z.open('arr_0.npy') as a:
    np.lib.format.read_magic(a)
    shape = np.lib.format.read_array_header_1_0(a)[0]
print(json.dumps([sizes, shape, np.load(f)['arr_1'].tolist()]))`;
    expect(python(program, path)).toEqual([
      [4400000128, 176],
      [4400, 1000, 1000],
      [5, 4, 3, 2, 1, -1],
    ]);
  });
});

describe('a .npy file', () => {
  const halves = fromFloat32(Float32Array.of(0.5, 1, -2, 3), [2, 2], 'F16');

  it('reads back what was written', async () => {
    const path = join(folder, 'a.npy');
    await writeNpy(path, halves);
    const array = await openNpy(path);
    expect(await array.read()).toEqual(halves);
    await array.close();
    const file = await open(path);
    expect((await file.stat()).size % 8).toBe(0);
    await file.close();
    await rm(path);
  });

  it.skipIf(reason)('opens in NumPy, also one number and an empty array', async () => {
    for (const [entry, wanted] of [
      [
        halves,
        [
          [0.5, 1],
          [-2, 3],
        ],
      ],
      [fromFloat32(Float32Array.of(7), [], 'F32'), 7],
      [fromFloat32(new Float32Array(0), [0], 'F32'), []],
    ] as const) {
      const path = join(folder, 'b.npy');
      await writeNpy(path, entry);
      expect(python('print(json.dumps(np.load(f).tolist()))', path)).toEqual(wanted);
    }
  });
});
