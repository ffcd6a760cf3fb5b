import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageBatch, openImageDataset, readVae, vaeParams } from '@ahpa/image-features';
import { disposeTree } from '@ahpa/ops';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { encode } from '@ahpa/vae-hierarchy';
import { fromFloat32, writeNpy } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { runExtract } from '../../src/run/extract-images.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyAssignments, uninterrupted } from '../tiny.ts';

const home = temporary();
const at = (name: string): string => join(home, name);
const LABELS = [0, 1, 1, 0, 2, 2];
const SIZE = 16;
let vae = '';

const configOf = (data: object, set: readonly string[] = []): TrainConfig => {
  const own = tinyAssignments(vae).filter((assignment) => !assignment.startsWith('data.'));
  const steps = ['train.steps=3', 'train.batch=4', 'train.checkpointEvery=3', 'train.sampleEvery=9'];
  const more = ['hierarchy.dtype=float32', ...steps, ...set];
  return loadConfig({ names: ['tiny'], set: [...own, ...more, `data=${JSON.stringify(data)}`] });
};

/** Writes a file list with labels. */
const writeList = (part: string, name: (row: number) => string): void =>
  writeFileSync(
    join(at('repa'), part, 'dataset.json'),
    JSON.stringify({ labels: LABELS.map((label, row) => [name(row), label]) }),
  );

const imageName = (row: number): string => `00000/img0000000${row}.png`;
const latentName = (row: number): string => `00000/img-mean-std-0000000${row}.npy`;

/** The folder of `dataset_tools.py convert` and `encode`: pictures, and `[8, h, w]` mean and deviation, float32, unscaled. */
async function writeRepa(): Promise<void> {
  const repa = at('repa');
  for (const part of ['images', 'vae-sd']) mkdirSync(join(repa, part, '00000'), { recursive: true });
  for (const row of LABELS.keys()) {
    const pixels = Uint8Array.from(
      { length: SIZE * SIZE * 3 },
      (_, i) => (i * (row + 3) + (i % 7) * 31) % 256,
    );
    const image = sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 3 } });
    await image.png().toFile(join(repa, 'images', imageName(row)));
  }
  writeList('images', imageName);
  writeList('vae-sd', latentName);
  const files = await readVae({ kind: 'file', path: vae });
  const params = vaeParams(files);
  const images = await openImageDataset(join(repa, 'images'), { size: SIZE, threads: 0 });
  for (const row of LABELS.keys()) {
    const { pixels } = await images.image(row);
    const moments = tf.tidy(() => {
      const x = imageBatch([pixels], SIZE);
      const { mean, logVar } = encode(params, x, files.config).posterior;
      const both = tf.concat([mean, tf.exp(tf.mul(logVar, 0.5))], 3);
      return tf.transpose(tf.squeeze(both, [0]), [2, 0, 1]).dataSync() as Float32Array;
    });
    await writeNpy(join(repa, 'vae-sd', latentName(row)), fromFloat32(moments, [8, 2, 2], 'F32'));
  }
  await images.close();
  disposeTree(params);
}

const losses = async (name: string, config: TrainConfig): Promise<number[]> => {
  await train(config, runFolder(at(name)), listener(), uninterrupted);
  return (await readStats(runFolder(at(name)).stats)).map(({ loss }) => loss);
};

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writeRepa();
});

describe("REPA's preprocessed folder", () => {
  it('trains as a cache of its images does, to 1e-5', async () => {
    const images = configOf({ kind: 'images', path: join(at('repa'), 'images'), size: SIZE, threads: 0 });
    await runExtract(images, { out: at('latents'), threads: 0, batch: 4 }, listener(), uninterrupted);
    const cached = await losses('cached', configOf({ kind: 'cache', path: at('latents') }));
    const read = await losses('read', configOf({ kind: 'repa', path: at('repa'), threads: 0 }));
    expect(cached.length).toBe(3);
    for (const [i, loss] of cached.entries()) expect(Math.abs(loss - (read[i] as number))).toBeLessThan(1e-5);
  });

  it('leaves no run where it cannot be read', async () => {
    rmSync(join(at('repa'), 'images', imageName(5)));
    const data = { kind: 'repa', path: at('repa'), threads: 0 };
    await expect(losses('again', configOf(data))).rejects.toThrow(`${latentName(5)} has no image`);
    expect(existsSync(at('again'))).toBe(false);
    expect((await losses('again', configOf({ kind: 'cache', path: at('latents') }))).length).toBe(3);
    await expect(losses('again', configOf(data))).rejects.toThrow(/was started with data\.kind/);
    expect(existsSync(runFolder(at('again')).config)).toBe(true);
  });
});
