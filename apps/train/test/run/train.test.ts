import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint, saveCheckpoint } from '@ahpa/checkpoint';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TrainConfig } from '../../src/config/types.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { type TrainSummary, train } from '../../src/run/train.ts';
import { abortAfter, listener, tinyConfig, uninterrupted } from '../tiny.ts';

const never = new AbortController().signal;
const home = temporary();
const cache = join(home, 'cache');
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = cache;
  vae = await writeTinyVae(home);
});

const config = (...set: string[]): TrainConfig => tinyConfig(vae, set);
const folder = (name: string): ReturnType<typeof runFolder> => runFolder(join(home, name));
const start = (
  name: string,
  chosen: TrainConfig,
  reporter = listener(),
  signal = never,
): Promise<TrainSummary> => train(chosen, folder(name), reporter, () => uninterrupted(signal));
const file = (name: string, step: number): string =>
  join(folder(name).checkpoints, `000000${step}.safetensors`);
const tensors = async (name: string, step: number): Promise<Record<string, string>> => {
  const entries = Object.entries((await loadCheckpoint(file(name, step))).tensors);
  return Object.fromEntries(entries.map(([key, { data }]) => [key, Buffer.from(data).toString('base64')]));
};
const floats = async (name: string, step: number): Promise<Record<string, number[]>> => {
  const { tensors: saved } = await loadCheckpoint(file(name, step));
  const entries = Object.entries(saved).filter(([, { dtype }]) => dtype === 'F32');
  return Object.fromEntries(
    entries.map(([key, { data }]) => [key, [...new Float32Array(data.slice().buffer)]]),
  );
};

describe('train', () => {
  it('writes configuration, record, checkpoints, sample grid and plot', async () => {
    const chosen = config();
    const summary = await start('whole', chosen);
    const paths = folder('whole');
    expect(summary).toMatchObject({ run: paths.root, step: 6, complete: true });
    expect(JSON.parse(readFileSync(paths.config, 'utf8'))).toEqual(chosen);
    expect(readdirSync(paths.checkpoints)).toEqual(['0000003.safetensors', '0000006.safetensors']);
    expect(readdirSync(paths.samples)).toEqual(['0000006.png']);
    expect(readFileSync(paths.plot, 'utf8')).toContain('Router weights');
    const rows = await readStats(paths.stats);
    expect(rows.map(({ step, images }) => [step, images])).toEqual([1, 2, 3, 4, 5, 6].map((s) => [s, 4 * s]));
    expect(Object.keys(rows[0]?.route?.weights ?? {})).toEqual(['fine', 'mid', 'coarse']);
    expect(rows[0]?.alignment).toBeCloseTo(
      ((rows[0]?.['group.fine'] ?? 0) + (rows[0]?.['group.mid'] ?? 0) + (rows[0]?.['group.coarse'] ?? 0)) / 3,
      5,
    );
  });

  it('continues bit-identically: six steps are three and three', async () => {
    await start('parts', config('train.steps=3'));
    const reporter = listener();
    await start('parts', config(), reporter);
    expect(reporter.said.join()).toContain('after step 3');
    expect(await tensors('parts', 6)).toEqual(await tensors('whole', 6));
    expect((await readStats(folder('parts').stats)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(readFileSync(join(folder('parts').samples, '0000006.png'))).toEqual(
      readFileSync(join(folder('whole').samples, '0000006.png')),
    );
  });

  it('continues bit-identically with Muon, groups, a schedule and several averages', async () => {
    const chosen = (steps: number): TrainConfig =>
      config(
        `train.steps=${steps}`,
        'optim.muon={}',
        'optim.groups=[{"match":"alignment.*","learningRate":0.5,"weightDecay":0.1}]',
        'optim.schedule={"kind":"cosine","until":6}',
        'ema={"decay":[0.9,0.99],"sigmaRel":[0.05,0.1]}',
      );
    await start('muon', chosen(6));
    await start('muon-parts', chosen(3));
    await start('muon-parts', chosen(6));
    const whole = await tensors('muon', 6);
    expect(await tensors('muon-parts', 6)).toEqual(whole);
    expect(Object.keys(whole).filter((name) => /^ema\..*y_embedder/.test(name))).toHaveLength(4);
    await expect(start('muon', config('optim.muon={}'))).rejects.toThrow(/was started with .*, and not/);
  });

  it('computes a batch in parts with the same result to float32', async () => {
    await start('accumulated', config('train.accumulate=2', 'train.steps=1', 'optim.epsilon=0.01'));
    await start('at-once', config('train.steps=1', 'optim.epsilon=0.01'));
    const [parts, whole] = await Promise.all(['accumulated', 'at-once'].map((name) => floats(name, 1)));
    for (const [name, values] of Object.entries(whole ?? {})) {
      const largest = Math.max(...values.map(Math.abs));
      values.forEach((value, i) => {
        expect(Math.abs((parts?.[name]?.[i] as number) - value), name).toBeLessThanOrEqual(
          1e-5 * largest + 1e-12,
        );
      });
    }
  });

  it('continues from a checkpoint of the form that had one average, under `ema`', async () => {
    await start('earlier', config('train.steps=3'));
    const { step, tensors: saved, meta } = await loadCheckpoint(file('earlier', 3));
    const entries = Object.entries(saved).map(([key, entry]) => [key.replace('ema.0.', 'ema.'), entry]);
    const { sigmaRel: _, ...ema } = config().ema;
    const earlier = { ...meta, config: { ...config('train.steps=3'), ema } };
    await saveCheckpoint(folder('earlier').checkpoints, step, Object.fromEntries(entries), earlier);
    writeFileSync(folder('earlier').config, JSON.stringify(earlier.config));
    await start('earlier', config());
    expect(await tensors('earlier', 6)).toEqual(await tensors('whole', 6));
  });

  it('passes over a corrupt checkpoint, names it and uses the one before', async () => {
    const before = await tensors('parts', 6);
    const bytes = readFileSync(file('parts', 6));
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    writeFileSync(file('parts', 6), bytes);
    const reporter = listener();
    await start('parts', config(), reporter);
    expect(reporter.warned.join('\n')).toMatch(/Passing over a checkpoint: .*0000006\.safetensors.*SHA-256/);
    expect(await tensors('parts', 6)).toEqual(before);
  });

  it('stops with a clear sentence when no checkpoint is good', async () => {
    await start('bad', config('train.steps=3'));
    writeFileSync(file('bad', 3), 'nonsense');
    await expect(start('bad', config())).rejects.toThrow(/No valid checkpoint among the 1 in .*bad/);
  });

  it('stops after the step in progress when it is interrupted, and continues', async () => {
    const summary = await start('cut', config(), listener(), abortAfter(2));
    expect(summary.complete).toBe(false);
    expect(summary.step).toBe(2);
    expect(existsSync(file('cut', summary.step))).toBe(true);
    expect(readdirSync(folder('cut').samples)).toEqual([]);
    await start('cut', config());
    expect(await tensors('cut', 6)).toEqual(await tensors('whole', 6));
  });

  it('refuses another configuration, naming the key, but takes what does not change the result', async () => {
    await expect(start('whole', config('optim.learningRate=1'))).rejects.toThrow(
      'was started with optim.learningRate 0.0002, and not 1: choose another --name',
    );
    await expect(start('whole', config('alignment.kind=none'))).rejects.toThrow('alignment.kind "ahpa"');
    const summary = await start(
      'whole',
      config('train.keepLast=1', 'sample.guidance=2', 'train.reportEvery=2'),
    );
    expect(summary.step).toBe(6);
  });

  it('names a corrupt feature cache and computes it again', async () => {
    const [features] = readdirSync(cache).filter((name) => name.startsWith('features-'));
    const path = join(cache, features as string, 'tokens.fine-00000.bin');
    const good = readFileSync(path);
    const torn = Buffer.from(good);
    torn[9] = (torn[9] as number) ^ 1;
    writeFileSync(path, torn);
    const reporter = listener();
    await start('again', config('train.steps=1'), reporter);
    expect(reporter.warned).toEqual([
      expect.stringMatching(/Computing the features again: .*tokens\.fine-00000\.bin is damaged/),
    ]);
    expect(readFileSync(path)).toEqual(good);
    writeFileSync(join(cache, features as string, 'index.json'), '{}');
    const second = listener();
    await start('again', config('train.steps=1'), second);
    expect(second.warned).toEqual([expect.stringMatching(/index\.json is damaged/)]);
    expect(readFileSync(path)).toEqual(good);
  });

  it('says what is missing of a VAE', async () => {
    const broken = config(`vae.path=${join(home, 'nowhere')}`);
    await expect(start('no-vae', broken)).rejects.toThrow(/The VAE has no .*nowhere/);
    await expect(start('odd', config('data.size=20'))).rejects.toThrow(
      'data.size is 20, wanted a multiple of 8',
    );
    await expect(start('tap', config('alignment.groups={"a":["mid.block_3"]}'))).rejects.toThrow(
      'names the tap "mid.block_3", which this VAE does not have; the nearest is "mid.block_1"',
    );
  });
});
