import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '@ahpa/latent-cache';
import { silent } from '@ahpa/messages';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ExtractOptions,
  extract,
  openImageDataset,
  openImagesData,
  type VaeFeatures,
} from '../src/index.ts';
import { extractPart, featuresOf, SIZE } from './photos.ts';

const home = temporary();
const at = (name: string): string => join(home, name);
let features: VaeFeatures;

/** A copy of the eight photographs of `train`, with the files `torn` cut off. */
function copyOf(name: string, torn: readonly string[] = []): string {
  cpSync(at('photos'), at(name), { recursive: true });
  for (const file of torn) writeFileSync(join(at(name), 'train', file), wholeOf(file).subarray(0, 90));
  return at(name);
}

const wholeOf = (file: string): Buffer => readFileSync(join(at('photos'), 'train', file));

const extractFrom = (photos: string, options: ExtractOptions) =>
  extractPart(photos, 'train', features, { shardRecords: 2, ...options });

/** Every photograph, in the order of the names. */
const NAMES = ['cat', 'dog'].flatMap((name) => [0, 1, 2, 3].map((i) => `${name}/${i}.png`));

beforeAll(async () => {
  await tf.setBackend('cpu');
  await writePhotos(at('photos'));
  features = await featuresOf(await writeTinyVae(home));
});

describe('extraction', () => {
  it('stops where the files are gone, and the same call goes on to the same cache', async () => {
    const wanted = await extractFrom(at('photos'), { out: at('undisturbed') });
    const photos = copyOf('moving');
    const images = await openImageDataset(photos, { size: SIZE, within: 'train', threads: 0 });
    const leaving = {
      ...images,
      image: async (row: number) => {
        if (row === 5) renameSync(photos, at('moved'));
        return images.image(row);
      },
    };
    const options = { out: at('stopped'), batch: 3, shardRecords: 2, like: at('undisturbed') };
    await expect(extract(leaving, features, options)).rejects.toThrow(
      /dog\/\d\.png cannot be read \(ENOENT.*run the same command again/,
    );
    renameSync(at('moved'), photos);
    const { index } = await extract(images, features, options);
    expect([index.shards, index.dropped]).toEqual([wanted.index.shards, []]);
  });

  it('leaves few bad images out, and stops at more than are allowed with the first reason', async () => {
    const torn = NAMES.slice(1, 7);
    const photos = copyOf('torn', torn);
    await expect(extractFrom(photos, { out: at('torn-few') })).rejects.toThrow(
      /6 of the first 8 of its 8 images are bad, wanted at most 5; the first is cat\/1\.png \(.*--max-bad/,
    );
    const { index } = await extractFrom(photos, { out: at('torn-few'), maxBad: 0.8 });
    expect(index.dropped.map(({ name }) => name)).toEqual(torn);
  });

  it('gives the reason of the first image where none can be decoded', async () => {
    const photos = copyOf('all', NAMES);
    await expect(extractFrom(photos, { out: at('all-out') })).rejects.toThrow(
      /none of the 8 images .*the first is cat\/0\.png \(.+\)/,
    );
  });

  it('tries images again that it left out: the cache is then that of whole images', async () => {
    const photos = copyOf('mended', ['cat/2.png', 'dog/1.png']);
    const first = await extractFrom(photos, { out: at('mended-out') });
    expect(first.index.dropped.map(({ name }) => name)).toEqual(['cat/2.png', 'dog/1.png']);
    const said: string[] = [];
    const again = (like?: string) =>
      extractPart(
        photos,
        'train',
        features,
        { out: at('mended-out'), retry: true, shardRecords: 2, like },
        { ...silent, say: (text) => said.push(text) },
      );
    expect((await again()).index).toEqual(first.index);
    expect(said).toEqual(['None of the 2 images left out can be read now.']);
    writeFileSync(join(photos, 'train', 'cat/2.png'), wholeOf('cat/2.png'));
    expect((await extractFrom(photos, { out: at('mended-out') })).index).toEqual(first.index);
    const second = await again();
    expect(second.index.dropped.map(({ name }) => name)).toEqual(['dog/1.png']);
    writeFileSync(join(photos, 'train', 'dog/1.png'), wholeOf('dog/1.png'));
    const third = await again();
    const fresh = await extractFrom(photos, { out: at('mended-fresh'), like: at('mended-out') });
    expect(third.index).toEqual(fresh.index);
    expect(third.index.count).toBe(8);
  });

  it('labels images as the cache that it is like, class by class', async () => {
    await extractFrom(at('photos'), { out: at('both') });
    mkdirSync(at('one/train/dog'), { recursive: true });
    cpSync(join(at('photos'), 'train', 'dog'), at('one/train/dog'), { recursive: true });
    const like = at('both');
    await expect(extractFrom(at('one'), { out: at('one-out'), like })).rejects.toThrow(
      /train has the classes dog, and .*both has cat, dog: open the images/,
    );
    const classes = { path: like, names: ['cat', 'dog'] };
    const open = (): ReturnType<typeof openImageDataset> =>
      openImageDataset(at('one'), { size: SIZE, within: 'train', threads: 0, classes });
    const { index } = await extract(await open(), features, { out: at('one-out'), like });
    expect(index.classes).toEqual(['cat', 'dog']);
    const cache = await openCache(at('one-out'));
    expect([...cache.gather('label', [0, 1, 2, 3])]).toEqual([1, 1, 1, 1]);
    cache.close();
    renameSync(at('one/train/dog'), at('one/train/bird'));
    await expect(open()).rejects.toThrow(/bird/);
  });
});

describe('images as data', () => {
  it('are checked once, and bad ones are left out and tried again', async () => {
    const photos = copyOf('checked', ['cat/3.png', 'dog/0.png']);
    const totals: number[] = [];
    const warned: string[] = [];
    const reporter = {
      ...silent,
      warn: (text: string) => warned.push(text),
      progress: (label: string, total: number) => {
        if (label === 'checking images') totals.push(total);
        return { update: () => undefined, stop: () => undefined };
      },
    };
    const countOf = async (): Promise<[number, number[]]> => {
      const data = await openImagesData({ path: photos, within: 'train', size: SIZE, threads: 0 });
      const { train, dispose } = await data.splits({ ...features, cacheDir: at('checks'), reporter });
      const { latent, y, targets } = await train.batch(
        Uint32Array.from({ length: train.count }, (_, i) => i),
      );
      tf.dispose([latent.mean, latent.std, y, targets as tf.Tensor[]]);
      dispose();
      await data.close();
      return [train.count, [...train.labels]];
    };
    expect(await countOf()).toEqual([6, [0, 0, 0, 1, 1, 1]]);
    expect(warned).toEqual([
      expect.stringMatching(/^Left out cat\/3\.png: ./),
      expect.stringMatching(/^Left out dog\/0\.png: ./),
    ]);
    writeFileSync(join(photos, 'train', 'cat/3.png'), wholeOf('cat/3.png'));
    expect(await countOf()).toEqual([7, [0, 0, 0, 0, 1, 1, 1]]);
    expect(totals).toEqual([8, 2]);
  });
});
