import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eagerEngine } from '@ahpa/engine';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { type ExtractRequest, runExtract } from '../../src/run/extract-images.ts';
import { prepare } from '../../src/run/prepare.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyAssignments, tinyConfig, uninterrupted } from '../tiny.ts';

const home = temporary();
const photos = join(home, 'photos');
const at = (name: string): string => join(home, name);
let vae = '';

const configOf = (data: object, set: readonly string[] = []): TrainConfig => {
  const own = tinyAssignments(vae).filter((assignment) => !assignment.startsWith('data.'));
  return loadConfig({ names: ['tiny'], set: [...own, `data=${JSON.stringify(data)}`, ...set] });
};
const imagesConfig = (set: readonly string[] = []): TrainConfig =>
  configOf({ kind: 'images', path: photos, within: 'train', size: 16, threads: 0 }, set);

const extractTo = (
  out: string,
  more: Partial<ExtractRequest> = {},
  set: readonly string[] = [],
  reporter = listener(),
) => runExtract(imagesConfig(set), { out: at(out), threads: 0, batch: 3, ...more }, reporter, uninterrupted);

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(photos);
  const whole = readFileSync(join(photos, 'train', 'cat', '0.png'));
  writeFileSync(join(photos, 'train', 'dog', 'torn.png'), whole.subarray(0, 300));
});

describe('ahpa extract', () => {
  it('writes what the images give, names what is unusual, and is done when it is done', async () => {
    const reporter = listener();
    const summary = await extractTo('train', { pixels: true, verify: true }, [], reporter);
    expect(summary).toMatchObject({
      count: 8,
      verified: true,
      remarks: { greyscale: 2 },
      dropped: [{ name: 'dog/torn.png' }],
    });
    expect(reporter.warned).toEqual([expect.stringMatching(/^Left out dog\/torn\.png: /)]);
    expect(reporter.said[0]).toMatch(/train: 9 images in 2 classes: cat \d, dog \d\.$/);
    expect(reporter.said[1]).toMatch(/will hold 9 images in .* kB an image; .* MB are free/);
    expect(await extractTo('train')).toMatchObject({ count: 8 });
    const verified = await runExtract(
      imagesConfig(),
      { out: at('train'), verify: true, threads: 0 },
      listener(),
      uninterrupted,
    );
    expect(verified?.verified).toBe(true);
  });

  it('refuses to go on with another configuration, naming the key', async () => {
    await expect(extractTo('train', {}, ['hierarchy.norm=spatial'])).rejects.toThrow(
      /tokens\.norm is "dataset", wanted "spatial"/,
    );
    await expect(extractTo('train', { size: 24 })).rejects.toThrow(/image\.size is 16, wanted 24/);
  });

  it('says what is wrong with a source', async () => {
    await expect(extractTo('none', { source: photos, within: 'test' })).rejects.toThrow(
      /no files below test/,
    );
    await expect(
      runExtract(tinyConfig(vae), { out: at('none'), threads: 0 }, listener(), uninterrupted),
    ).rejects.toThrow(/no source of images/);
  });
});

describe('training', () => {
  const run = async (name: string, config: TrainConfig): Promise<number[]> => {
    await train(config, runFolder(at(name)), listener(), uninterrupted);
    return (await readStats(runFolder(at(name)).stats)).map(({ loss }) => loss);
  };
  it('on a cache gives the losses of training on the images themselves, to 1e-3', async () => {
    rmSync(join(photos, 'train', 'dog', 'torn.png'));
    await extractTo('clean');
    const set = ['train.steps=3', 'train.batch=4', 'train.checkpointEvery=3', 'train.sampleEvery=9'];
    const cached = await run('cached', configOf({ kind: 'cache', path: at('clean') }, set));
    const online = await run('online', imagesConfig(set));
    expect(cached.length).toBe(3);
    for (const [i, loss] of cached.entries())
      expect(Math.abs(loss - (online[i] as number))).toBeLessThan(1e-3);
  });

  it('on innovations goes on from a cache and online alike', async () => {
    const set = ['hierarchy.norm=innovation', 'hierarchy.components=3', 'train.steps=2', 'train.batch=4'];
    await extractTo('trained-on', {}, set);
    const cached = await run('innovation-cached', configOf({ kind: 'cache', path: at('trained-on') }, set));
    const online = await run('innovation-online', imagesConfig(set));
    expect([cached.length, cached.every(Number.isFinite)]).toEqual([2, true]);
    for (const [i, loss] of cached.entries())
      expect(Math.abs(loss - (online[i] as number))).toBeLessThan(1e-3);
  });

  it('names what is wrong with data of any kind', async () => {
    const wanted = (data: object): Promise<unknown> => prepare(configOf(data), eagerEngine, listener());
    await expect(wanted({ kind: 'cache', path: home })).rejects.toThrow(/holds no cache/);
    await expect(wanted({ kind: 'repa', path: home })).rejects.toThrow(/has no vae-sd/);
    await expect(wanted({ kind: 'images', path: home, within: 'test' })).rejects.toThrow(/no files below/);
  });
});
