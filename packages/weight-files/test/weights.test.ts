import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import {
  fromFloat32,
  readShardedSafetensors,
  readWeights,
  type TensorEntry,
  writeSafetensors,
} from '../src/index.ts';

const golden = (name: string): string => fileURLToPath(new URL(`./golden/${name}`, import.meta.url));

const tensorOf = (...values: readonly number[]): TensorEntry =>
  fromFloat32(Float32Array.from(values), [values.length], 'F32');

const folders: string[] = [];
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weight-files-'));
  folders.push(folder);
});
afterAll(() => Promise.all(folders.map((path) => rm(path, { recursive: true }))));

const [a, b, c] = [tensorOf(1), tensorOf(2, 2), tensorOf(3, 3, 3)];

/** Writes shards and an index; returns the path of the index. */
async function shards(
  files: Readonly<Record<string, Record<string, TensorEntry>>>,
  map: Readonly<Record<string, string>>,
): Promise<string> {
  for (const [name, tensors] of Object.entries(files)) await writeSafetensors(join(folder, name), tensors);
  const index = join(folder, 'diffusion_pytorch_model.safetensors.index.json');
  await writeFile(index, JSON.stringify({ metadata: { total_size: 24 }, weight_map: map }, null, 2));
  return index;
}

describe('sharded safetensors', () => {
  const files = { 'x-1.safetensors': { a, b }, 'x-2.safetensors': { c } };
  const map = { a: 'x-1.safetensors', b: 'x-1.safetensors', c: 'x-2.safetensors' };

  it('are read as one file, in whole or in part', async () => {
    const index = await shards(files, map);
    expect({ ...(await readShardedSafetensors(index)) }).toEqual({ a, b, c });
    expect({ ...(await readShardedSafetensors(index, (name) => name !== 'b')) }).toEqual({ a, c });
  });

  it('name what a shard lacks, has twice, or has beside the index', async () => {
    await expect(
      readShardedSafetensors(await shards(files, { ...map, d: 'x-2.safetensors' })),
    ).rejects.toThrow(/index\.json: x-2\.safetensors lacks "d", which the index places there/);
    const { a: _, ...without } = map;
    await expect(readShardedSafetensors(await shards(files, without))).rejects.toThrow(
      /x-1\.safetensors also holds "a", which the index places elsewhere or not at all/,
    );
    const doubled = { ...files, 'x-2.safetensors': { b, c } };
    await expect(readShardedSafetensors(await shards(doubled, map))).rejects.toThrow(
      /x-2\.safetensors also holds "b"/,
    );
    const absent = await shards(files, { ...map, d: 'x-3.safetensors' });
    await expect(readShardedSafetensors(absent)).rejects.toThrow(/ENOENT.*x-3\.safetensors/);
  });

  it.each(['../x.safetensors', '/etc/x.safetensors', 'a\\x.safetensors', 'C:x.safetensors', 'x.exe', ''])(
    'do not lie at %j',
    async (place) => {
      await expect(readShardedSafetensors(await shards({}, { a: place }))).rejects.toThrow(
        /tensor "a" lies in .*, wanted the name of a \.safetensors or \.bin file beside the index/,
      );
    },
  );

  it('may have an index with a byte-order mark, sizes with a point and any metadata', async () => {
    const index = await shards(files, map);
    const json = { metadata: { total_size: 24.5, exact: false, none: null, least: -1e3 }, weight_map: map };
    await writeFile(index, `\uFEFF${JSON.stringify(json).replace('24.5', '24.0')}`);
    expect({ ...(await readShardedSafetensors(index)) }).toEqual({ a, b, c });
  });

  it('may be files of torch', async () => {
    const names = Object.keys(await readWeights(golden('types.pt')));
    const index = join(folder, 'pytorch_model.bin.index.json');
    await copyFile(golden('types.pt'), join(folder, 'pytorch_model-1.bin'));
    const places = Object.fromEntries(names.map((name) => [name, 'pytorch_model-1.bin']));
    await writeFile(index, JSON.stringify({ weight_map: places }));
    expect(await readWeights(folder)).toEqual(await readWeights(golden('reference.safetensors')));
    expect(Object.keys(await readWeights(index, { keep: (name) => name === 'i8' }))).toEqual(['i8']);
    await writeFile(index, JSON.stringify({ weight_map: { ...places, more: 'pytorch_model-1.bin' } }));
    await expect(readWeights(index)).rejects.toThrow(/pytorch_model-1\.bin lacks "more"/);
  });

  it('need an index with a weight_map, without doubled keys', async () => {
    const index = join(folder, 'x.index.json');
    await writeFile(index, '{"weight_map":[]}');
    await expect(readShardedSafetensors(index)).rejects.toThrow(/weight_map is missing or no object/);
    await writeFile(index, '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}');
    await expect(readShardedSafetensors(index)).rejects.toThrow(/the JSON has the key "a" twice/);
  });
});

describe('readWeights', () => {
  const names = async (path: string, options = {}): Promise<string[]> =>
    Object.keys(await readWeights(path, options)).sort();

  it('tells the kind of a file by its content', async () => {
    await writeSafetensors(join(folder, 'disguised.pt'), { a, b });
    expect(await names(join(folder, 'disguised.pt'))).toEqual(['a', 'b']);
    await copyFile(golden('types.pt'), join(folder, 'disguised.safetensors'));
    expect(await names(join(folder, 'disguised.safetensors'))).toHaveLength(13);
    expect(await names(golden('checkpoint.pt'), { part: 'ema' })).toEqual(['bias', 'weight']);
    await expect(readWeights(golden('checkpoint.pt'))).rejects.toThrow('"model", "ema" hold tensors');
    await writeFile(join(folder, 'page.bin'), '<!doctype html>');
    await expect(readWeights(join(folder, 'page.bin'))).rejects.toThrow(/page\.bin: the file is neither/);
  });

  it('reads no more than it is asked for', async () => {
    const keep = (name: string): boolean => name.startsWith('b');
    expect(await names(golden('types.pt'), { keep })).toEqual(
      await names(golden('reference.safetensors'), { keep }),
    );
    expect(await names(golden('types.pt'), { keep })).toHaveLength(5);
  });

  it('prefers safetensors over shards over PyTorch in a model folder', async () => {
    const vae = join(folder, 'vae');
    await mkdir(vae);
    await expect(readWeights(vae)).rejects.toThrow(
      /vae: the folder has no weights under a known name, wanted one of/,
    );
    await copyFile(golden('types.pt'), join(vae, 'diffusion_pytorch_model.bin'));
    expect(await names(vae)).toHaveLength(13);
    folder = vae;
    await shards({ 'x.safetensors': { a, b } }, { a: 'x.safetensors', b: 'x.safetensors' });
    expect(await names(vae)).toEqual(['a', 'b']);
    await writeSafetensors(join(vae, 'diffusion_pytorch_model.safetensors'), { c });
    expect(await names(vae)).toEqual(['c']);
    const half = join(folder, 'half');
    await mkdir(half);
    await writeSafetensors(join(half, 'diffusion_pytorch_model.fp16.safetensors'), { b });
    expect(await names(half)).toEqual(['b']);
  });
});
