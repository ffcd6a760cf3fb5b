import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testValues } from '@ahpa/test-utils';
import type { DType, TensorEntry } from '@ahpa/weight-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listCheckpoints, loadCheckpoint, loadLatest, rotate, saveCheckpoint } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'checkpoint-')), 'checkpoints');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

const meta = { config: { name: 'ahpa', layers: [1, 2], rate: 1e-4 }, note: 'é "quoted"\n' };

const entry = (dtype: DType, shape: readonly number[], data: ArrayBufferView): TensorEntry => ({
  dtype,
  shape,
  data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

const tensors = (seed = 1): Record<string, TensorEntry> => ({
  'params.denoiser.blocks.0.weight': entry('F32', [3, 5], testValues(15, seed)),
  'moments.m.bias': entry('F32', [4], testValues(4, seed + 1)),
  step: entry('I32', [], Int32Array.of(seed)),
  empty: entry('F32', [0, 2], new Float32Array()),
});

const plain = (given: Readonly<Record<string, TensorEntry>>) =>
  Object.fromEntries(
    Object.entries(given).map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: [...data] }]),
  );

/** Flips one bit of a file. */
async function flip(path: string, bit: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  await writeFile(path, bytes);
}

describe('saveCheckpoint and loadCheckpoint', () => {
  test('round trip of tensors, step and meta', async () => {
    const path = await saveCheckpoint(folder, 1200, tensors(), meta);
    expect(path).toBe(join(folder, '0001200.safetensors'));
    expect(await readdir(folder)).toEqual(['0001200.safetensors']);
    const loaded = await loadCheckpoint(path);
    expect({ ...loaded, tensors: plain(loaded.tensors) }).toEqual({
      path,
      step: 1200,
      meta,
      tensors: plain(tensors()),
    });
  });

  test('equal content gives equal bytes, saving a step again replaces it', async () => {
    const path = await saveCheckpoint(folder, 1, tensors(1), meta);
    const first = await readFile(path);
    await saveCheckpoint(folder, 1, tensors(2), meta);
    expect(await readFile(path)).not.toEqual(first);
    await saveCheckpoint(folder, 1, Object.fromEntries(Object.entries(tensors(1)).reverse()), meta);
    expect(await readFile(path)).toEqual(first);
  });

  test('any single flipped bit is detected', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const whole = await readFile(path);
    const undetected: number[] = [];
    for (const value of testValues(200, 99)) {
      const bit = Math.floor(((value + 1) / 2) * whole.length * 8);
      await flip(path, bit);
      await loadCheckpoint(path).then(
        () => undetected.push(bit),
        () => undefined,
      );
      await flip(path, bit);
    }
    expect(undetected).toEqual([]);
    expect((await loadCheckpoint(path)).step).toBe(5);
  });

  test('truncation at any length is detected', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(path, whole.subarray(0, length));
      await expect(loadCheckpoint(path)).rejects.toThrow();
    }
  });

  test('a safetensors file of another kind is refused', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const bytes = (await readFile(path)).toString('latin1').replace('"sha256"', '"sha255"');
    await writeFile(path, bytes, 'latin1');
    await expect(loadCheckpoint(path)).rejects.toThrow(/wanted schema, step, meta and sha256/);
  });

  test.each<[DType, ArrayBufferView]>([
    ['F32', Float32Array.of(1, 2, Number.NaN)],
    ['F32', Float32Array.of(3.4e38, 0, Number.NEGATIVE_INFINITY)],
    ['F64', Float64Array.of(1e308, 0, Number.POSITIVE_INFINITY)],
    ['BF16', Uint16Array.of(0x3f80, 0x7f7f, 0x7f80)],
    ['F16', Uint16Array.of(0x3c00, 0x7bff, 0xfe00)],
  ])('%s tensors that are not finite are refused at saving', async (dtype, data) => {
    const bad = { ...tensors(), 'ema.weight': entry(dtype, [3], data) };
    await expect(saveCheckpoint(folder, 5, bad, meta)).rejects.toThrow(
      /"ema.weight" is not finite at flat index 2/,
    );
    expect(await listCheckpoints(folder)).toEqual([]);
    await saveCheckpoint(folder, 5, bad, meta, { checkFinite: false });
    expect(await listCheckpoints(folder)).toHaveLength(1);
  });

  test('refuses a step that is no count', async () => {
    await expect(saveCheckpoint(folder, -1, {}, {})).rejects.toThrow(/got step -1/);
    await expect(saveCheckpoint(folder, 1.5, {}, {})).rejects.toThrow(/got step 1.5/);
  });
});

describe('loadLatest', () => {
  const save = async (...steps: readonly number[]) => {
    for (const step of steps) await saveCheckpoint(folder, step, tensors(step), { step });
  };

  test('takes the newest, whatever was written last, leftovers ignored', async () => {
    await save(30, 20, 12_345_678);
    await writeFile(join(folder, '0000099.safetensors.123.partial'), 'half');
    await writeFile(join(folder, 'notes.txt'), '');
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([20, 30, 12_345_678]);
    const latest = await loadLatest(folder);
    expect([latest.step, latest.meta, latest.skipped]).toEqual([12_345_678, { step: 12_345_678 }, []]);
    expect(plain(latest.tensors)).toEqual(plain(tensors(12_345_678)));
  });

  test('falls back over damaged files and reports them', async () => {
    await save(1, 2, 3);
    await truncate(join(folder, '0000003.safetensors'), 100);
    const { size } = await stat(join(folder, '0000002.safetensors'));
    await flip(join(folder, '0000002.safetensors'), 8 * (size - 2));
    const latest = await loadLatest(folder);
    expect(latest.step).toBe(1);
    expect(latest.skipped.map(({ file }) => file)).toEqual([
      join(folder, '0000003.safetensors'),
      join(folder, '0000002.safetensors'),
    ]);
    expect(latest.skipped[1]?.reason).toMatch(/SHA-256/);
  });

  test('says why when none is valid', async () => {
    await expect(loadLatest(folder)).rejects.toThrow(/no valid checkpoint among the 0 in/);
    await save(1);
    await truncate(join(folder, '0000001.safetensors'), 4);
    await expect(loadLatest(folder)).rejects.toThrow(/among the 1 in .*\n.*0000001\.safetensors/);
  });
});

describe('rotate', () => {
  const steps = async () => (await listCheckpoints(folder)).map(({ step }) => step);
  beforeEach(async () => {
    for (const step of [10, 20, 30, 40, 50, 60]) await saveCheckpoint(folder, step, tensors(step), {});
  });

  test('keeps the last and every so many steps', async () => {
    expect(await rotate(folder, { keepLast: 2, keepEvery: 30 })).toEqual(
      [10, 20, 40].map((step) => join(folder, `00000${step}.safetensors`)),
    );
    expect(await steps()).toEqual([30, 50, 60]);
    expect(await rotate(folder, { keepLast: 2, keepEvery: 30 })).toEqual([]);
    await rotate(folder, { keepLast: 1, keepEvery: 0 });
    expect(await steps()).toEqual([60]);
  });

  test('never removes the newest valid checkpoint', async () => {
    for (const step of [40, 50, 60]) await truncate(join(folder, `00000${step}.safetensors`), 50);
    await rotate(folder, { keepLast: 2, keepEvery: 0 });
    expect(await steps()).toEqual([30, 50, 60]);
    expect((await loadLatest(folder)).step).toBe(30);
  });

  test('removes nothing when no file is valid', async () => {
    for (const step of await steps()) await truncate(join(folder, `00000${step}.safetensors`), 50);
    expect(await rotate(folder, { keepLast: 1, keepEvery: 0 })).toEqual([]);
    expect(await steps()).toHaveLength(6);
  });

  test('refuses to keep nothing', async () => {
    await expect(rotate(folder, { keepLast: 0, keepEvery: 10 })).rejects.toThrow(/keepLast 0/);
  });
});
