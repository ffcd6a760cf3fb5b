import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  openTorch,
  parseTorch,
  readSafetensors,
  readTorch,
  type TensorEntry,
  type TorchValue,
  toFloat32,
  torchStateDict,
} from '../src/index.ts';
import { archiveOf, tensor, text } from './torch-archive.ts';

const golden = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: what a file holds is known to the tests only
type Data = any;

const read = async (name: string): Promise<Data> => (await readTorch(golden(name))).value;

const numbers = (entry: TensorEntry | undefined): number[] => [...toFloat32(entry as TensorEntry)];

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weight-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('files of torch.save', () => {
  it('hold every type with the bytes of the safetensors reference', async () => {
    const { tensors } = await readSafetensors(golden('reference.safetensors'));
    const dict = torchStateDict((await readTorch(golden('types.pt'))).value);
    expect(Object.keys(dict)).toHaveLength(13);
    expect({ ...dict }).toEqual({ ...tensors });
  });

  it('hold views in row-major order', async () => {
    const views: Data = torchStateDict(await read('views.pt'));
    const grid = Array.from({ length: 24 }, (_, i) => i);
    expect(numbers(views.grid)).toEqual(grid);
    expect(views.transposed.shape).toEqual([4, 2, 3]);
    const transposed = grid.map((i) => 4 * (3 * (Math.floor(i / 3) % 2) + (i % 3)) + Math.floor(i / 6));
    expect(numbers(views.transposed)).toEqual(transposed);
    expect(views.column.shape).toEqual([2, 3]);
    expect(numbers(views.column)).toEqual([1, 5, 9, 13, 17, 21]);
    expect(numbers(views.tail)).toEqual([20, 21, 22, 23]);
    expect([...views.every_other.data]).toEqual([0, 0, 2, 0, 4, 0]);
    expect(views.channels_last.shape).toEqual([1, 2, 3, 4]);
    expect(numbers(views.channels_last)).toEqual(grid);
    expect(numbers(views.ones)).toEqual([0, 1, 2]);
  });

  it('hold what a training script saves, as plain data', async () => {
    const value = await read('checkpoint.pt');
    const { model, ema, opt, args, steps, seed, score, count, size, parameter } = value;
    expect([steps, seed, score, count, size]).toEqual([400000, 2n ** 63n, 2.5, -7, [2, 3]]);
    expect(args).toEqual({
      model: 'SiT-B/2',
      seed: 0,
      lr: 1e-4,
      cfg: [1.5, null],
      compile: false,
      nested: { a: 1 },
    });
    expect(Object.getPrototypeOf(args)).toBe(null);
    expect(Object.keys(model)).toEqual(['module.weight', 'module.bias']);
    const plain: Data = torchStateDict(value, 'model');
    expect(Object.keys(plain)).toEqual(['weight', 'bias']);
    expect(parameter).toEqual(plain.weight);
    expect(numbers((torchStateDict({ ema }, 'ema') as Data).bias)).toEqual(
      numbers(plain.bias).map((x) => 2 * x),
    );
    const { state, param_groups } = opt;
    expect(Object.keys(state)).toEqual(['0', '1']);
    expect(numbers(state[0].step)).toEqual([1]);
    expect(param_groups[0]).toMatchObject({ lr: 1e-4, betas: [0.9, 0.999], params: [0, 1] });
  });

  it('may use pickle protocol 4', async () => {
    const value = await read('protocol4.pt');
    expect(value.state_dict.score).toBe(0.5);
    expect(numbers(value.state_dict.a)).toEqual([1, 1]);
  });

  it('parse from memory as from disk', async () => {
    const bytes = new Uint8Array(readFileSync(golden('checkpoint.pt')));
    expect(await parseTorch(bytes)).toEqual(await readTorch(golden('checkpoint.pt')));
  });

  it('are read tensor by tensor', async () => {
    const path = join(folder, 'large.pt');
    await writeFile(
      path,
      archiveOf(['}', text('a'), tensor('0', 4, 1, [2], [1]), 's'], { 0: floats(5, 6, 7, 8) }),
    );
    const file = await openTorch(path);
    const { a }: Data = torchStateDict(file.value);
    expect([a.dtype, a.shape]).toEqual(['F32', [2]]);
    expect(numbers(await a.read())).toEqual([6, 7]);
    await file.close();
    await expect(a.read()).rejects.toThrow('file closed');
  });

  it('are reported when they were cut off', async () => {
    const path = join(folder, 'cut.pt');
    await copyFile(golden('types.pt'), path);
    await truncate(path, 4000);
    await expect(readTorch(path)).rejects.toThrow(
      /cut\.pt: the archive has no end record; the file is cut off/,
    );
  });
});

describe('torchStateDict', () => {
  const a = { dtype: 'F32', shape: [1], data: new Uint8Array(4) } as const;
  const select = (value: TorchValue, part?: string): string[] => Object.keys(torchStateDict(value, part));

  it('takes the value itself, its only part, or the named one', () => {
    expect(select({ a })).toEqual(['a']);
    expect(select({ epoch: 3, state_dict: { a } })).toEqual(['a']);
    expect(select({ model: { a }, ema: { b: a } }, 'ema')).toEqual(['b']);
    expect(select({ module: { a } })).toEqual(['a']);
  });

  it('strips the prefixes of wrappers, repeatedly and only at the start', () => {
    expect(select({ 'module._orig_mod.x.module.y': a, 'modules.z': a })).toEqual(['x.module.y', 'modules.z']);
  });

  it('says what there is to choose from', () => {
    expect(() => select({ model: { a }, ema: { a }, steps: 1 })).toThrow(
      'holds no single state dict; its entries are "model", "ema", "steps", of which "model", "ema" hold tensors; name one of those',
    );
    expect(() => select({ model: { a } }, 'ema')).toThrow('holds no state dict "ema"');
    expect(() => select({ steps: 1 })).toThrow('of which none hold tensors');
    expect(() => select([a])).toThrow('holds no dict');
    expect(() => select({ a, epoch: 3 })).toThrow('entry "epoch" is no tensor');
    expect(() => select({ a, 'module.a': a })).toThrow('"module.a" has the same name as another: "a"');
  });

  it('takes no record of the file for a tensor', () => {
    expect(() => select({ w: { dtype: 'F32', shape: [1], data: [0], read: 'x' } })).toThrow(
      'of which none hold tensors',
    );
  });
});

function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
