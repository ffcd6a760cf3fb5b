import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eagerEngine } from '@ahpa/engine';
import { openCache, readIndex } from '@ahpa/latent-cache';
import type { Batch, Tree } from '@ahpa/ports';
import { fromFloat32, writeNpy } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { type ExtractRequest, runExtract } from '../../src/run/extract-images.ts';
import { prepare } from '../../src/run/prepare.ts';
import { train } from '../../src/run/train.ts';
import { listener, temporary, tinyAssignments, tinyConfig, uninterrupted, writeTinyVae } from '../tiny.ts';

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
) => runExtract(imagesConfig(set), { out: at(out), threads: 0, batch: 3, ...more }, reporter);

async function photo(seed: number, grey = false): Promise<Buffer> {
  const [width, height] = [18 + (seed % 5), 20 + (seed % 3)];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => (i * (seed + 3) + (i % 7) * 31) % 256,
  );
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (grey ? image.toColourspace('b-w') : image).png().toBuffer();
}

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  for (const [part, count] of [
    ['train', 4],
    ['val', 2],
  ] as const) {
    for (const [c, name] of ['cat', 'dog'].entries()) {
      mkdirSync(join(photos, part, name), { recursive: true });
      for (let i = 0; i < count; i++)
        writeFileSync(join(photos, part, name, `${i}.png`), await photo(10 * c + i + count, i === 1));
    }
  }
  const whole = readFileSync(join(photos, 'train', 'cat', '0.png'));
  writeFileSync(join(photos, 'train', 'dog', 'torn.png'), whole.subarray(0, 300));
});

/** The values of a batch, which is disposed. */
function valuesOf(batch: Batch<Tree>): Float32Array[] {
  const tensors = [batch.latent.mean, batch.latent.std, batch.y, ...(batch.targets as tf.Tensor[])];
  const values = tensors.map((tensor) => Float32Array.from(tensor.dataSync()));
  tf.dispose(tensors);
  return values;
}

function expectNear(a: readonly Float32Array[], b: readonly Float32Array[], tolerance: number): void {
  expect(a.map(({ length }) => length)).toEqual(b.map(({ length }) => length));
  const worst = a.map((values, i) =>
    values.reduce(
      (most, value, j) => Math.max(most, Math.abs(value - ((b[i] as Float32Array)[j] as number))),
      0,
    ),
  );
  expect(Math.max(...worst)).toBeLessThan(tolerance);
}

/** The VAE with another scale of its latents. */
function otherVae(): string {
  cpSync(vae, at('other-vae'), { recursive: true });
  const path = join(at('other-vae'), 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), scaling_factor: 3 }));
  return at('other-vae');
}

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
    expect(reporter.said[0]).toMatch(/will hold 9 images in .* kB an image; .* MB are free/);
    expect(await extractTo('train')).toMatchObject({ count: 8 });
    const verified = await runExtract(
      imagesConfig(),
      { out: at('train'), verify: true, threads: 0 },
      listener(),
    );
    expect(verified.verified).toBe(true);
  });

  it('stops at the first bad image with --strict', async () => {
    await expect(extractTo('strict', { strict: true })).rejects.toThrow(
      /dog\/torn\.png is bad \(.*leave --strict out/,
    );
    expect(await readIndex(at('strict'))).toBeUndefined();
  });

  it('refuses to go on with another configuration, naming the key', async () => {
    await expect(extractTo('train', {}, ['hierarchy.norm=spatial'])).rejects.toThrow(
      /tokens\.norm is "dataset", wanted "spatial"/,
    );
    await expect(extractTo('train', { size: 24 })).rejects.toThrow(/image\.size is 16, wanted 24/);
  });

  it('refuses a finished cache that lacks what is asked for', async () => {
    await extractTo('bare');
    await expect(extractTo('bare', { pixels: true })).rejects.toThrow(/fields\.pixels is absent, wanted/);
  });

  it('says what is wrong with a source', async () => {
    await expect(extractTo('none', { source: photos, within: 'test' })).rejects.toThrow(
      /no files below test/,
    );
    await expect(runExtract(tinyConfig(vae), { out: at('none'), threads: 0 }, listener())).rejects.toThrow(
      /no source of images/,
    );
  });
});

describe('training', () => {
  const run = async (name: string, config: TrainConfig): Promise<number[]> => {
    await train(config, runFolder(at(name)), listener(), uninterrupted);
    return (await readStats(runFolder(at(name)).stats)).map(({ loss }) => loss);
  };
  const cacheConfig = (set: readonly string[] = []): TrainConfig =>
    configOf({ kind: 'cache', path: at('train'), heldOut: at('val') }, set);

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

  it.each([
    ['average+std', 'dataset', 2],
    ['unshuffle', 'whiten', undefined],
    ['max', 'spatial', 1],
    ['average', 'pca', undefined],
    ['average', 'none', 1],
    ['average', 'innovation', undefined],
  ] as const)('takes %s and %s', async (resize, norm, factor) => {
    const set = [
      `hierarchy.resize=${resize}`,
      `hierarchy.norm=${norm}`,
      'hierarchy.components=3',
      'hierarchy.dtype=float32',
    ];
    const name = `${resize}-${norm}`;
    await extractTo(name, {}, set);
    const [cached, online] = [
      await prepare(configOf({ kind: 'cache', path: at(name) }, set), eagerEngine, listener()),
      await prepare(imagesConfig(set), eagerEngine, listener()),
    ];
    expect(cached.groups.map(({ width }) => width)).toEqual(
      factor === undefined ? [3, 3, 3] : [8 * factor, 4 * factor, 4 * factor],
    );
    const rows = Uint32Array.of(5, 0, 3);
    expectNear(valuesOf(await cached.train.batch(rows)), valuesOf(await online.train.batch(rows)), 1e-3);
    cached.dispose();
    online.dispose();
  });

  it.each([
    ['whiten', 0.5, 1],
    ['innovation', 0, 0.1],
  ] as const)('on %s sees tokens that correlate with the latent by %d to %d', async (norm, least, most) => {
    await extractTo(norm, {}, [
      `hierarchy.norm=${norm}`,
      'hierarchy.components=3',
      'hierarchy.dtype=float32',
    ]);
    const cache = await openCache(at(norm));
    const rows = Array.from({ length: cache.index.count }, (_, i) => i);
    const [z, tokens] = ['latent.mean', 'tokens.coarse'].map((field, i) => {
      const values = tf.tensor(cache.gather(field, rows) as Float32Array, [rows.length * 4, 4 - i]);
      const centred = tf.sub(values, tf.mean(values, 0));
      return tf.div(centred, tf.norm(centred, 2, 0)) as tf.Tensor2D;
    }) as [tf.Tensor2D, tf.Tensor2D];
    const largest = tf.max(tf.abs(tf.matMul(z, tokens, true))).dataSync()[0] as number;
    cache.close();
    expect(largest).toBeGreaterThan(least);
    expect(largest).toBeLessThan(most);
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

  it('holds out another cache with the same statistics, and its pixels', async () => {
    await extractTo('val', { within: 'val', like: at('train'), pixels: true });
    const parts = await prepare(cacheConfig(), eagerEngine, listener());
    const heldOut = await parts.heldOut();
    expect([parts.train.count, heldOut.count]).toEqual([8, 4]);
    expect((await heldOut.pixels(Uint32Array.of(0))).length).toBe(16 * 16 * 3);
    parts.dispose();
    rmSync(at('val'), { recursive: true });
    await extractTo('val', { within: 'val' });
    const other = await prepare(cacheConfig(), eagerEngine, listener());
    await expect(other.heldOut()).rejects.toThrow(/statistics is .*extract it with --like/);
    other.dispose();
  });

  it('holds out a share by name', async () => {
    const parts = await prepare(
      configOf({ kind: 'cache', path: at('train'), holdOut: 0.5 }),
      eagerEngine,
      listener(),
    );
    expect(parts.train.count + (await parts.heldOut()).count).toBe(8);
    await expect((await parts.heldOut()).batch(Uint32Array.of(0))).toBeDefined();
    parts.dispose();
  });

  it('refuses a cache that does not fit, naming the field', async () => {
    const wanted = async (set: readonly string[]): Promise<unknown> =>
      prepare(cacheConfig(set), eagerEngine, listener());
    await expect(wanted(['alignment.groups={"fine":["conv_in"]}'])).rejects.toThrow(
      /its tokens\.groups\.fine is .*wanted \["conv_in"\]/,
    );
    await expect(wanted(['hierarchy.resize=max'])).rejects.toThrow(
      /its tokens\.resize is "average", wanted "max"/,
    );
    await expect(wanted([`vae.path=${otherVae()}`])).rejects.toThrow(/its vae\.sha256 is /);
    await expect(prepare(configOf({ kind: 'cache', path: home }), eagerEngine, listener())).rejects.toThrow(
      /holds no cache/,
    );
  });
});

describe("REPA's preprocessed folder", () => {
  it('gives its latents as they are, and groups from its images', async () => {
    const cache = await openCache(at('clean'));
    const rows = [0, 1, 2, 3, 4, 5, 6, 7];
    const [mean, std] = ['latent.mean', 'latent.std'].map(
      (field) => cache.gather(field, rows) as Float32Array,
    ) as [Float32Array, Float32Array];
    const labels = [...cache.gather('label', rows)];
    const repa = at('repa');
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
    writeFileSync(
      join(repa, 'vae-sd', 'dataset.json'),
      JSON.stringify({ labels: names.map((name, row) => [name, labels[row]]) }),
    );
    const parts = await prepare(configOf({ kind: 'repa', path: repa, threads: 0 }), eagerEngine, listener());
    const cached = await prepare(configOf({ kind: 'cache', path: at('clean') }), eagerEngine, listener());
    const chosen = Uint32Array.of(6, 1);
    expectNear(valuesOf(await parts.train.batch(chosen)), valuesOf(await cached.train.batch(chosen)), 2e-3);
    parts.dispose();
    cached.dispose();
    cache.close();
    rmSync(join(repa, 'images', names[0] as string));
    await expect(
      prepare(configOf({ kind: 'repa', path: repa, threads: 0 }), eagerEngine, listener()),
    ).rejects.toThrow('8 latents and 7 images');
  });
});
