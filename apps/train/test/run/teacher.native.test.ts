import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEngine } from '@ahpa/engine';
import { squeezeNetTokens } from '@ahpa/evaluation';
import { squeezeNetParams, squeezeNetPath } from '@ahpa/evaluation/node';
import { missing, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { openNpz, toFloat32 } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { probeRun } from '../../src/experiments/probe.ts';
import { defaultCacheDir } from '../../src/files/cache-folder.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { runExtract } from '../../src/run/extract-images.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyAssignments, uninterrupted } from '../tiny.ts';

const obtained = existsSync(squeezeNetPath(defaultCacheDir()));
if (!obtained) process.stderr.write('skipped: teacher, SqueezeNet is not obtained (npm run setup)\n');
const SIZE = 16;
const COUNT = 10;

/** An image of stripes that no other has. */
const pixelsOf = (image: number): Uint8Array =>
  Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * (image + 2) * 7 + (i % 3) * 50) % 256);

describe.skipIf(missing !== undefined || !obtained)('a teacher', () => {
  beforeAll(async () => {
    await createEngine({ backend: 'tensorflow' });
  });

  it('is written beside a cache, row by row, and trained with', async () => {
    const home = temporary();
    const photos = join(home, 'photos', 'stripes');
    mkdirSync(photos, { recursive: true });
    for (let i = 0; i < COUNT; i++) {
      const raw = { width: SIZE, height: SIZE, channels: 3 } as const;
      await sharp(pixelsOf(i), { raw })
        .png()
        .toFile(join(photos, `${i}.png`));
    }
    writeFileSync(join(photos, '3-broken.png'), 'no image');
    const own = tinyAssignments(await writeTinyVae(home)).filter(
      (one) => !/^(data\.|train\.backend)/.test(one),
    );
    const cache = join(home, 'cache');
    const images = { kind: 'images', path: join(home, 'photos'), size: SIZE };
    const config = loadConfig({ names: ['tiny'], set: [...own, `data=${JSON.stringify(images)}`] });
    const options = { out: cache, threads: 0, teacher: 'squeezenet' } as const;
    expect((await runExtract(config, options, listener(), uninterrupted))?.count).toBe(COUNT);

    const file = await openNpz(join(cache, 'teacher-squeezenet.npz'));
    const array = await file.array('tokens');
    expect(array.shape).toEqual([COUNT, 4, 512]);
    const { params } = await squeezeNetParams(defaultCacheDir());
    const image = tf.tensor4d(Float32Array.from(pixelsOf(7)), [1, SIZE, SIZE, 3]);
    const wanted = squeezeNetTokens(params, image, 2).dataSync();
    const got = toFloat32(await array.read(7, 1));
    const largest = Math.max(...wanted);
    wanted.forEach((value, i) => {
      expect(Math.abs(value - (got[i] as number))).toBeLessThan(1e-3 * largest);
    });
    await file.close();

    const data = { kind: 'cache', path: cache, holdOut: 0.3 };
    const teacher = { kind: 'file', path: join(cache, 'teacher-squeezenet.npz') };
    const alignment = { kind: 'repa', teacher, head: { kind: 'mlp', hidden: 16 } };
    const set = [...own, `data=${JSON.stringify(data)}`, `alignment=${JSON.stringify(alignment)}`];
    const trained = loadConfig({ names: ['tiny'], set });
    const folder = runFolder(join(home, 'run'));
    await train(trained, folder, listener(), uninterrupted);
    const rows = await readStats(folder.stats);
    expect(rows.length).toBe(6);
    expect(rows.every(({ alignment: loss }) => Number.isFinite(loss))).toBe(true);

    const probe = await probeRun(
      { run: folder.root, runs: home, images: 10, batch: 1, bins: 1, seed: 0 },
      listener(),
    );
    expect(probe.targets.map(({ name }) => name)).toEqual(['tokens']);
    expect(probe.targets[0]?.r2.flat().every(Number.isFinite)).toBe(true);
  });
});
