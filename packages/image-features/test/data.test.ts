import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache } from '@ahpa/latent-cache';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { fromFloat32, writeNpy } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCacheData, openImagesData, openRepaData, type Splits, type VaeFeatures } from '../src/index.ts';
import { expectNear, extractPart, featuresOf, SIZE, splitsOf, valuesOf } from './photos.ts';

const home = temporary();
const photos = join(home, 'photos');
const at = (name: string): string => join(home, name);
let vae = '';
let features: VaeFeatures;

const cached = async (
  options: Parameters<typeof openCacheData>[0],
  wanted: VaeFeatures = features,
): Promise<Splits> => splitsOf(await openCacheData(options), wanted);

const online = async (wanted: VaeFeatures): Promise<Splits> =>
  splitsOf(await openImagesData({ path: photos, within: 'train', size: SIZE, threads: 0 }), wanted);

/** The VAE with another scale of its latents. */
function otherVae(): string {
  cpSync(vae, at('other-vae'), { recursive: true });
  const path = join(at('other-vae'), 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), scaling_factor: 3 }));
  return at('other-vae');
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(photos);
  features = await featuresOf(vae);
  await extractPart(photos, 'train', features, { out: at('train') });
});

describe('data', () => {
  it.each([
    ['average+std', 'dataset', 2],
    ['unshuffle', 'whiten', undefined],
    ['max', 'spatial', 1],
    ['average', 'pca', undefined],
    ['average', 'none', 1],
    ['average', 'innovation', undefined],
  ] as const)('from a cache are those of the images, with %s and %s', async (resize, norm, factor) => {
    const wanted = await featuresOf(vae, { resize, norm, components: 3, dtype: 'float32' });
    const out = at(`${resize}-${norm}`);
    await extractPart(photos, 'train', wanted, { out });
    const rows = Uint32Array.of(5, 0, 3);
    const [stored, made] = [await cached({ path: out }, wanted), await online(wanted)];
    const batch = await stored.train.batch(rows);
    expect((batch.targets as tf.Tensor[]).map(({ shape }) => shape[2])).toEqual(
      factor === undefined ? [3, 3, 3] : [8 * factor, 4 * factor, 4 * factor],
    );
    expectNear(valuesOf(batch), valuesOf(await made.train.batch(rows)), 1e-3);
    stored.dispose();
    made.dispose();
  });

  it('hold out another cache with the same statistics, and its pixels', async () => {
    const options = { path: at('train'), heldOut: at('val') };
    await extractPart(photos, 'val', features, { out: at('val'), like: at('train'), pixels: true });
    const splits = await cached(options);
    const heldOut = await splits.heldOut();
    expect([splits.train.count, heldOut.count]).toEqual([8, 4]);
    expect((await heldOut.pixels(Uint32Array.of(0))).length).toBe(SIZE * SIZE * 3);
    rmSync(at('val'), { recursive: true });
    await extractPart(photos, 'val', features, { out: at('val') });
    await expect((await cached(options)).heldOut()).rejects.toThrow(/statistics is .*extract it with --like/);
  });

  it('hold out a share by name', async () => {
    const splits = await cached({ path: at('train'), holdOut: 0.5 });
    const heldOut = await splits.heldOut();
    expect(splits.train.count + heldOut.count).toBe(8);
    expect(heldOut.batch(Uint32Array.of(0))).toBeDefined();
    expect(await splits.heldOut()).toBe(heldOut);
  });

  it('hold nothing out unless told, in one sentence', async () => {
    await expect((await cached({ path: at('train') })).heldOut()).rejects.toThrow(/No images are held out/);
  });

  it('are refused where a cache does not fit, naming the field', async () => {
    const path = at('train');
    await expect(cached({ path }, await featuresOf(vae, {}, { fine: ['conv_in'] }))).rejects.toThrow(
      /its tokens\.groups\.fine is .*wanted \["conv_in"\]/,
    );
    await expect(cached({ path }, await featuresOf(vae, { resize: 'max' }))).rejects.toThrow(
      /its tokens\.resize is "average", wanted "max"/,
    );
    await expect(cached({ path }, await featuresOf(otherVae()))).rejects.toThrow(/its vae\.sha256 is /);
    await expect(openCacheData({ path: home })).rejects.toThrow(/holds no cache/);
  });
});

/** REPA's folder of the training photographs, with the latents of a cache. */
async function writeRepa(repa: string, cachePath: string): Promise<string[]> {
  const cache = await openCache(cachePath);
  const rows = [0, 1, 2, 3, 4, 5, 6, 7];
  const [mean, std] = ['latent.mean', 'latent.std'].map(
    (field) => cache.gather(field, rows) as Float32Array,
  ) as [Float32Array, Float32Array];
  const labels = [...cache.gather('label', rows)];
  cache.close();
  mkdirSync(join(repa, 'images', '00000'), { recursive: true });
  mkdirSync(join(repa, 'vae-sd', '00000'), { recursive: true });
  const names = rows.map((row) => `00000/img0000000${row}.png`);
  for (const row of rows) {
    const file = join(photos, 'train', row < 4 ? 'cat' : 'dog', `${row % 4}.png`);
    writeFileSync(join(repa, 'images', names[row] as string), readFileSync(file));
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
      join(repa, 'vae-sd', '00000', `img-mean-std-0000000${row}.npy`),
      fromFloat32(Float32Array.from(moments), [8, 2, 2], 'F32'),
    );
  }
  const list = { labels: names.map((name, row) => [name, labels[row]]) };
  writeFileSync(join(repa, 'vae-sd', 'dataset.json'), JSON.stringify(list));
  return names;
}

describe("REPA's preprocessed folder", () => {
  it('gives its latents as they are, and groups from its images', async () => {
    const repa = at('repa');
    const names = await writeRepa(repa, at('train'));
    const splits = await splitsOf(await openRepaData({ path: repa, threads: 0 }), features);
    const stored = await cached({ path: at('train') });
    const chosen = Uint32Array.of(6, 1);
    expectNear(valuesOf(await splits.train.batch(chosen)), valuesOf(await stored.train.batch(chosen)), 2e-3);
    splits.dispose();
    rmSync(join(repa, 'images', names[0] as string));
    await expect(openRepaData({ path: repa, threads: 0 })).rejects.toThrow('8 latents and 7 images');
  });

  it('is refused by the name of the file where a latent is not finite', async () => {
    const repa = at('repa-nan');
    await writeRepa(repa, at('train'));
    const moments = Float32Array.from({ length: 32 }, (_, i) => (i === 20 ? Number.NaN : 1));
    const file = join(repa, 'vae-sd', '00000', 'img-mean-std-00000003.npy');
    await writeNpy(file, fromFloat32(moments, [8, 2, 2], 'F32'));
    const splits = await splitsOf(await openRepaData({ path: repa, threads: 0 }), features);
    expect(valuesOf(await splits.train.batch(Uint32Array.of(2, 4)))[0]).toHaveLength(32);
    await expect(splits.train.batch(Uint32Array.of(2, 3))).rejects.toThrow(
      /img-mean-std-00000003\.npy holds a value that is not finite/,
    );
    splits.dispose();
  });
});
