import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCache } from '@ahpa/latent-cache';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { fromFloat32, writeNpy } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openRepaFolder } from '../src/data/repa-folder.ts';
import { openCacheData, openImageDataset, openRepaData, type VaeFeatures } from '../src/index.ts';
import { expectNear, extractPart, featuresOf, SIZE, splitsOf, valuesOf } from './photos.ts';

const home = temporary();
const photos = join(home, 'photos');
const at = (name: string): string => join(home, name);
const ROWS = [0, 1, 2, 3, 4, 5, 6, 7];
const LABELS = [0, 0, 0, 0, 1, 1, 1, 1];
const IMAGES = ROWS.map((row) => `00000/img0000000${row}.png`);
const LATENTS = ROWS.map((row) => `00000/img-mean-std-0000000${row}.npy`);
let features: VaeFeatures;

const writeList = (repa: string, part: string, names: readonly string[], labels: unknown = LABELS): void =>
  writeFileSync(
    join(repa, part, 'dataset.json'),
    JSON.stringify({
      labels: Array.isArray(labels) ? names.map((name, row) => [name, labels[row]]) : labels,
    }),
  );

/** The photographs as REPA's dataset_tools.py lays them out, with the latents of a cache. */
async function writeRepa(repa: string, cachePath: string): Promise<void> {
  const cache = await openCache(cachePath);
  const [mean, std] = ['latent.mean', 'latent.std'].map(
    (field) => cache.gather(field, ROWS) as Float32Array,
  ) as [Float32Array, Float32Array];
  cache.close();
  for (const part of ['images', 'vae-sd']) mkdirSync(join(repa, part, '00000'), { recursive: true });
  for (const row of ROWS) {
    const file = join(photos, 'train', row < 4 ? 'cat' : 'dog', `${row % 4}.png`);
    writeFileSync(join(repa, 'images', IMAGES[row] as string), readFileSync(file));
    // The tiny VAE scales latents by 2 after a shift of 0.5; [h, w, C] becomes [C, h, w].
    const channelFirst = (values: Float32Array, undo: (value: number) => number): number[] =>
      Array.from({ length: 16 }, (_, i) =>
        undo(values[row * 16 + (i % 4) * 4 + Math.floor(i / 4)] as number),
      );
    const moments = [
      ...channelFirst(mean, (value) => value / 2 + 0.5),
      ...channelFirst(std, (value) => value / 2),
    ];
    await writeNpy(
      join(repa, 'vae-sd', LATENTS[row] as string),
      fromFloat32(Float32Array.from(moments), [8, 2, 2], 'F32'),
    );
  }
  writeList(repa, 'images', IMAGES);
  writeList(repa, 'vae-sd', LATENTS);
}

/** A copy of the folder, to be changed. */
function copy(name: string): string {
  cpSync(at('repa'), at(name), { recursive: true });
  return at(name);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  features = await featuresOf(await writeTinyVae(home));
  await writePhotos(photos);
  await extractPart(photos, 'train', features, { out: at('train') });
  await writeRepa(at('repa'), at('train'));
});

describe("REPA's preprocessed folder", () => {
  it('gives its latents as they are, and groups from its images', async () => {
    const splits = await splitsOf(await openRepaData({ path: at('repa'), threads: 0 }), features);
    const stored = await splitsOf(await openCacheData({ path: at('train') }), features);
    expect([...splits.train.labels]).toEqual(LABELS);
    const chosen = Uint32Array.of(6, 1);
    expectNear(valuesOf(await splits.train.batch(chosen)), valuesOf(await stored.train.batch(chosen)), 2e-3);
    splits.dispose();
  });

  it('has the labels of its latents, whichever files its list names, also as data of images', async () => {
    const labels = async (repa: string): Promise<number[]> => {
      const images = await openImageDataset(repa, { size: SIZE, threads: 0 });
      await images.close();
      const folder = await openRepaFolder(repa);
      expect([...folder.images.labels]).toEqual([...images.labels]);
      return [...images.labels];
    };
    const other = [3, 0, 1, 1, 2, 2, 0, 3];
    const repa = copy('relabelled');
    writeList(repa, 'vae-sd', LATENTS, other);
    expect(await labels(repa)).toEqual(other);
    writeList(repa, 'vae-sd', IMAGES, other);
    expect(await labels(repa)).toEqual(other);
    writeList(repa, 'vae-sd', LATENTS, null);
    expect(await labels(repa)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect((await openRepaFolder(repa)).images.classes).toEqual(['all']);
  });

  it('refuses what has no counterpart, by name', async () => {
    const opened = (repa: string): Promise<unknown> => openRepaData({ path: repa, threads: 0 });
    const missing = async (name: string, part: string, file: string, wanted: string): Promise<void> => {
      const repa = copy(name);
      rmSync(join(repa, part, file));
      await expect(opened(repa)).rejects.toThrow(wanted);
    };
    await missing('no-image', 'images', IMAGES[2] as string, `${LATENTS[2]} has no image of its number`);
    await missing('no-latent', 'vae-sd', LATENTS[5] as string, `${IMAGES[5]} has no latent of its number`);
    await missing('no-list', 'vae-sd', 'dataset.json', 'has no dataset.json');
    const repa = copy('others');
    writeList(repa, 'vae-sd', LATENTS.slice(0, 7));
    await expect(opened(repa)).rejects.toThrow(`does not list ${IMAGES[7]}`);
    mkdirSync(join(repa, 'images', '00001'));
    cpSync(join(repa, 'images', IMAGES[0] as string), join(repa, 'images/00001/img00000000.png'));
    await expect(opened(repa)).rejects.toThrow(`00001/img00000000.png has the number of ${IMAGES[0]}`);
    cpSync(join(repa, 'images', IMAGES[0] as string), join(repa, 'images/00000/a.png'));
    await expect(opened(repa)).rejects.toThrow('00000/a.png has no number');
  });

  it('refuses a latent with NaN by its file', async () => {
    const repa = copy('nan');
    const values = Float32Array.from({ length: 32 }, (_, i) => (i === 17 ? Number.NaN : 1));
    await writeNpy(join(repa, 'vae-sd', LATENTS[3] as string), fromFloat32(values, [8, 2, 2], 'F32'));
    await expect(
      openRepaData({ path: repa, threads: 0 }).then((data) => splitsOf(data, features)),
    ).rejects.toThrow(`${LATENTS[3]} holds a value that is not finite`);
  });

  it('leaves a broken image out with its latent', async () => {
    const repa = copy('torn');
    const whole = readFileSync(join(repa, 'images', IMAGES[3] as string));
    writeFileSync(join(repa, 'images', IMAGES[3] as string), whole.subarray(0, 100));
    const [sound, torn] = [
      await splitsOf(await openRepaData({ path: copy('sound'), threads: 0 }), features),
      await splitsOf(await openRepaData({ path: repa, threads: 0 }), features),
    ];
    expect(torn.train.count).toBe(sound.train.count - 1);
    const rows = (row: number): Uint32Array => Uint32Array.of(2, row);
    const [latents, wanted] = [await torn.train.batch(rows(3)), await sound.train.batch(rows(4))].map(
      (batch) => valuesOf(batch).slice(0, 3),
    );
    expect(latents).toEqual(wanted);
    sound.dispose();
    torn.dispose();
  });
});

const REAL = fileURLToPath(new URL('../../../../shared/cases/files/1/data', import.meta.url));

describe('a folder that dataset_tools.py wrote', () => {
  it.skipIf(!existsSync(REAL))(`is read (${REAL})`, async () => {
    const folder = await openRepaFolder(REAL);
    expect(folder.files).toEqual(LATENTS.slice(0, 4));
    expect(folder.images.names).toEqual(IMAGES.slice(0, 4));
    expect([...folder.images.labels]).toEqual([0, 0, 1, 1]);
    expect(folder.shape).toEqual([8, 8, 32]);
  });
});
