import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DataSource, openImagesData } from '../src/index.ts';
import { featuresOf, SIZE, splitsOf } from './photos.ts';

const home = temporary();
const photos = join(home, 'photos');
let vae = '';

const open = (): Promise<DataSource> =>
  openImagesData({ path: photos, within: 'train', heldOut: 'val', size: SIZE, threads: 0 });

beforeAll(async () => {
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(photos);
  rmSync(join(photos, 'val', 'cat'), { recursive: true });
});

describe('held-out images', () => {
  it('have the classes of the images to train on, also where they lack one', async () => {
    const data = await open();
    const splits = await splitsOf(data, await featuresOf(vae));
    expect(data.classes).toEqual(['cat', 'dog']);
    expect([...(await splits.heldOut()).labels]).toEqual([1, 1]);
    splits.dispose();
    await data.close();
  });

  it('of one more class are refused by its name before anything is computed', async () => {
    cpSync(join(photos, 'val', 'dog'), join(photos, 'val', 'owl'), { recursive: true });
    await expect(open()).rejects.toThrow(
      /photos\/val has images of the class owl, which .*photos\/train lacks/,
    );
    renameSync(join(photos, 'val', 'owl'), join(home, 'owl'));
  });
});
