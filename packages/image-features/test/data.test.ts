import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCacheData, openImagesData, type Splits, type VaeFeatures } from '../src/index.ts';
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
    await expect(cached(options)).rejects.toThrow(/statistics is .*extract it with --like/);
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
