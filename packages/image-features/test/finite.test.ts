import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import {
  fromFloat32,
  readSafetensors,
  type TensorEntry,
  toFloat32,
  writeSafetensors,
} from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openImageDataset, readVae, writeTeacher } from '../src/index.ts';
import { decodeNorms, encodeNorms } from '../src/norms/fitted-norms.ts';
import { extractPart, featuresOf, SIZE } from './photos.ts';

const home = temporary();
const photos = join(home, 'photos');
const at = (name: string): string => join(home, name);

beforeAll(async () => {
  await tf.setBackend('cpu');
  await writePhotos(photos);
});

/** A tiny VAE in a folder of its own with a tensor's values changed. */
async function changedVae(
  name: string,
  key: string,
  change: (value: number, i: number) => number,
): Promise<string> {
  await mkdir(at(name), { recursive: true });
  const folder = await writeTinyVae(at(name));
  const path = join(folder, 'diffusion_pytorch_model.safetensors');
  const { tensors } = await readSafetensors(path);
  const { shape, ...entry } = tensors[key] as TensorEntry;
  const values = toFloat32({ shape, ...entry }).map(change);
  await writeSafetensors(path, { ...tensors, [key]: fromFloat32(values, shape, 'F32') }, {});
  return folder;
}

/** Bytes of all records in the folder of a cache. */
const recordBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.bin'))
    .reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);

describe('a VAE', () => {
  it.each([
    ['encoder.conv_in.weight', Number.NaN],
    ['decoder.conv_out.bias', Number.NEGATIVE_INFINITY],
  ])('whose %s holds %d is refused by name', async (key, bad) => {
    const path = await changedVae(key, key, (value, i) => (i === 2 ? bad : value));
    await expect(readVae({ kind: 'file', path })).rejects.toThrow(
      `tensor "${key}" is not finite at flat index 2`,
    );
  });
});

describe('features that are not finite', () => {
  it.each(['none', 'dataset'] as const)(
    'are refused by the name of the image, with norm %s',
    async (norm) => {
      const vae = await changedVae(
        `inf-${norm}`,
        'encoder.conv_out.weight',
        (value) => Math.sign(value) * 3e38,
      );
      const made = extractPart(photos, 'train', await featuresOf(vae, { norm }), { out: at(`out-${norm}`) });
      await expect(made).rejects.toThrow(
        /train: latent\.mean of cat\/\d\.png is not finite \(of \d of the 3 images encoded together, none of which/,
      );
      if (norm === 'dataset') expect(existsSync(join(at(`out-${norm}`), 'plan.json'))).toBe(false);
      expect(recordBytes(at(`out-${norm}`))).toBe(0);
    },
  );

  it('are refused where float16 cannot hold them, which float32 can', async () => {
    const vae = await changedVae('large', 'encoder.conv_in.weight', (value) => value * 1e8);
    const wanted = (dtype: 'float16' | 'float32') =>
      featuresOf(vae, { norm: 'none', dtype }, { fine: ['conv_in'] });
    const made = extractPart(photos, 'train', await wanted('float16'), { out: at('narrow') });
    await expect(made).rejects.toThrow(
      /tokens\.fine of cat\/0\.png is not finite in float16 .* set hierarchy\.dtype/,
    );
    const wide = await extractPart(photos, 'train', await wanted('float32'), { out: at('wide') });
    expect(wide.index.count).toBe(8);
  });

  it('of a teacher are refused by the name of the image', async () => {
    const images = await openImageDataset(photos, { size: SIZE, within: 'train', threads: 0 });
    const tokens = (x: tf.Tensor4D): tf.Tensor3D => tf.fill([x.shape[0], 1, 2], Number.NaN);
    const network = { name: 'broken', shape: [1, 2], tokens } as const;
    const cache = { items: 8, count: 7, dropped: [{ row: 0, name: 'cat/0.png', reason: '' }] };
    await expect(writeTeacher(home, cache, images, network)).rejects.toThrow(
      /tokens of broken of cat\/1\.png is not finite/,
    );
    expect(existsSync(join(home, 'teacher-broken.npz'))).toBe(false);
    await images.close();
  });

  it('in the statistics of a cache are refused by name', () => {
    const norms = { fine: { mean: { shape: [2], values: Float32Array.of(0, Number.NaN) } } };
    expect(() => decodeNorms(encodeNorms(norms), 'statistics')).toThrow(
      'statistics: tensor "fine.mean" is not finite at flat index 1',
    );
  });
});
