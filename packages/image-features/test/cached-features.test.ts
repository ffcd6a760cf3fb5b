import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '@ahpa/messages';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CachedDataset, cachedFeatures, openImageDataset } from '../src/index.ts';
import { expectNear, featuresOf, SIZE, valuesOf } from './photos.ts';

const home = temporary();
const cacheDir = join(home, 'cache');
const warned: string[] = [];
const reporter = { ...silent, warn: (text: string) => warned.push(text) };
let make: () => Promise<CachedDataset>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  await writePhotos(join(home, 'photos'));
  const options = { size: SIZE, within: 'train', threads: 0 };
  const images = await openImageDataset(join(home, 'photos'), options);
  const features = await featuresOf(await writeTinyVae(home));
  make = () => cachedFeatures({ images, features, cacheDir }, reporter);
});

describe('cachedFeatures', () => {
  it.each(['index.json', 'statistics.safetensors', 'latent.mean-00000.bin'])(
    'computes again where %s is damaged, with the same values',
    async (file) => {
      const rows = Uint32Array.of(1, 6);
      const first = await make();
      const values = valuesOf(await first.batch(rows));
      expect((await make()).folder).toBe(first.folder);
      expect(warned).toEqual([]);
      expect(readdirSync(first.folder)).toContain(file);
      writeFileSync(join(first.folder, file), 'damaged');
      const again = await make();
      expect(warned.splice(0)).toEqual([expect.stringContaining(file)]);
      expectNear(valuesOf(await again.batch(rows)), values, 1e-9);
    },
  );
});
