import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testValues } from '@ahpa/test-utils';
import type { DType, TensorEntry } from '@ahpa/weight-files';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createSaver,
  findLatest,
  listCheckpoints,
  loadCheckpoint,
  loadLatest,
  rotate,
  saveCheckpoint,
  verifyFolder,
} from '../src/index.ts';

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

  test('any single flipped bit is detected (1000 of them)', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const whole = await readFile(path);
    const undetected: number[] = [];
    for (const value of testValues(1000, 99)) {
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
  }, 300_000);

  test('truncation at any length is detected', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const whole = await readFile(path);
    for (const value of testValues(200, 7)) {
      const length = Math.floor(((value + 1) / 2) * whole.length);
      await writeFile(path, whole.subarray(0, length));
      await expect(loadCheckpoint(path), `${length} bytes`).rejects.toThrow();
    }
  });

  test('a tail of zeros, as after a loss of power, is detected', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const whole = await readFile(path);
    for (let zeros = 1; zeros <= whole.length; zeros += 11) {
      const torn = Buffer.from(whole);
      torn.fill(0, whole.length - zeros);
      if (torn.equals(whole)) continue;
      await writeFile(path, torn);
      await expect(loadCheckpoint(path), `${zeros} zeros`).rejects.toThrow();
    }
  });

  test('tensors can be read and verified apart from the others', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const keep = (name: string): boolean => name.startsWith('moments.');
    expect(Object.keys((await loadCheckpoint(path, keep)).tensors)).toEqual(['moments.m.bias']);
    const { size } = await stat(path);
    await flip(path, 8 * (size - 70));
    const broken = await loadCheckpoint(path).catch((error: Error) => error.message);
    const [, name] = /tensor "(.*)" differs/.exec(String(broken)) ?? [];
    await expect(loadCheckpoint(path, (other) => other === name)).rejects.toThrow(/damaged/);
    await expect(loadCheckpoint(path, (other) => other !== name)).resolves.toMatchObject({ step: 5 });
  });

  test('a file of schema 1 is read, and any damage to it found', async () => {
    const golden = await readFile(new URL('./golden/schema-1.safetensors', import.meta.url));
    const path = join(folder, '0000007.safetensors');
    await saveCheckpoint(folder, 7, {}, {});
    await writeFile(path, golden);
    const loaded = await loadCheckpoint(path);
    expect([loaded.step, loaded.meta]).toEqual([7, { config: { name: 'old' } }]);
    expect([...new Float32Array(loaded.tensors['params.weight']?.data.buffer ?? new ArrayBuffer())]).toEqual([
      1, 2, 3, 4,
    ]);
    for (let bit = 0; bit < 8 * golden.length; bit += 31) {
      await flip(path, bit);
      await expect(loadCheckpoint(path), `bit ${bit}`).rejects.toThrow();
      await flip(path, bit);
    }
  });

  test('a schema of the future is refused', async () => {
    const path = await saveCheckpoint(folder, 5, tensors(), meta);
    const bytes = (await readFile(path)).toString('latin1').replace('"schema":"2"', '"schema":"3"');
    await writeFile(path, bytes, 'latin1');
    await expect(loadCheckpoint(path)).rejects.toThrow(/schema "3", wanted "1" or "2"; use the version/);
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
    await writeFile(join(folder, '0000099.safetensors.partial'), 'half');
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

  test('is undefined, a warning or a sentence for the user where a run resumes', async () => {
    const warned: string[] = [];
    const reporter = { warn: (text: string) => void warned.push(text) };
    expect(await findLatest(folder, reporter)).toBeUndefined();
    await save(1, 2);
    expect((await findLatest(folder, reporter))?.step).toBe(2);
    expect(warned).toEqual([]);
    await truncate(join(folder, '0000002.safetensors'), 4);
    expect((await findLatest(folder, reporter))?.step).toBe(1);
    expect(warned).toEqual([
      expect.stringMatching(/^Passing over a checkpoint: .*0000002/),
      `Using ${join(folder, '0000001.safetensors')}.`,
    ]);
    await truncate(join(folder, '0000001.safetensors'), 4);
    const error = await findLatest(folder, reporter).catch((cause: Error) => cause);
    expect(error).toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(/^No valid checkpoint among the 2 in /),
    });
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

describe('what a kill or a copy leaves', () => {
  test('is never deleted, counts for nothing, and is explained', async () => {
    for (const step of [10, 20, 30]) await saveCheckpoint(folder, step, tensors(step), {});
    const left = ['0000040.safetensors.partial', 'copy of 0000030.safetensors', 'run.lock'];
    for (const name of left) await writeFile(join(folder, name), 'half');
    await truncate(join(folder, '0000020.safetensors'), 9);
    expect((await loadLatest(folder)).step).toBe(30);
    await rotate(folder, { keepLast: 1, keepEvery: 0 });
    expect((await readdir(folder)).sort()).toEqual(['0000030.safetensors', ...left].sort());
    await writeFile(join(folder, '0000050.safetensors'), 'torn');
    const { checkpoints, others } = await verifyFolder(folder);
    expect(checkpoints.map(({ step, problem }) => [step, problem !== undefined])).toEqual([
      [30, false],
      [50, true],
    ]);
    expect(others.map(({ reason }) => /cut off/.test(reason))).toEqual([true, false, false]);
    expect((await readdir(folder)).sort()).toEqual(
      ['0000030.safetensors', '0000050.safetensors', ...left].sort(),
    );
  });

  test('a partial file is written over when its step is saved again', async () => {
    await saveCheckpoint(folder, 10, tensors(), {});
    await writeFile(join(folder, '0000020.safetensors.partial'), 'half'.repeat(10_000));
    await saveCheckpoint(folder, 20, tensors(), {});
    expect(await readdir(folder)).toEqual(['0000010.safetensors', '0000020.safetensors']);
    expect((await loadLatest(folder)).step).toBe(20);
  });
});

describe('createSaver', () => {
  const rotation = { keepLast: 2, keepEvery: 0 };

  test('saves one after the other and rotates', async () => {
    const saver = createSaver();
    for (const step of [1, 2, 3, 4])
      await saver.save({ folder, step, tensors: tensors(step), meta: { step }, rotation });
    await saver.close();
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([3, 4]);
    expect(plain((await loadLatest(folder)).tensors)).toEqual(plain(tensors(4)));
  });

  test('gives the memory back when the checkpoint is written', async () => {
    const saver = createSaver();
    expect(await saver.ready()).toBeUndefined();
    await saver.save({ folder, step: 1, tensors: tensors(1), meta: {}, rotation });
    const memory = (await saver.ready()) as Record<string, TensorEntry>;
    expect(plain(memory)).toEqual(plain(tensors(1)));
    for (const [name, { data }] of Object.entries(tensors(2))) memory[name]?.data.set(data);
    await saver.save({ folder, step: 2, tensors: memory, meta: {}, rotation });
    await saver.close();
    expect(plain((await loadCheckpoint(join(folder, '0000001.safetensors'))).tensors)).toEqual(
      plain(tensors(1)),
    );
    expect(plain((await loadLatest(folder)).tensors)).toEqual(plain(tensors(2)));
  });

  test('tells of a failure at the next chance and at the end, and spoils nothing', async () => {
    const saver = createSaver();
    await saver.save({ folder, step: 1, tensors: tensors(), meta: {}, rotation });
    const bad = { ...tensors(), bad: entry('F32', [1], Float32Array.of(Number.NaN)) };
    await saver.save({ folder, step: 2, tensors: bad, meta: {}, rotation });
    const next = saver.save({ folder, step: 3, tensors: tensors(), meta: {}, rotation });
    await expect(next).rejects.toThrow(/"bad" is not finite/);
    await expect(saver.ready()).rejects.toThrow(/not finite/);
    expect(saver.check).toThrow(/not finite/);
    await expect(saver.close()).rejects.toThrow(/not finite/);
    expect((await listCheckpoints(folder)).map(({ step }) => step)).toEqual([1]);
  });
});
