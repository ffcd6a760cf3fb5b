import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { openNpz } from '@ahpa/weight-files';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/models/load-model.ts';
import { writeModelFolder } from '../../src/models/model-folder.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { chooseLabels } from '../../src/sampling/choose-labels.ts';
import { type GenerateOptions, type GenerateResult, generate } from '../../src/sampling/generate.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
const at = (name: string): string => join(runs, name);

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  const config = tinyConfig(await writeTinyVae(runs), ['train.steps=2']);
  await train(config, runFolder(at('one')), listener(), uninterrupted);
}, 60_000);

const never = new AbortController().signal;

const start = (
  more: Partial<GenerateOptions>,
  reporter = listener(),
  signal = never,
): Promise<GenerateResult> => {
  const options: GenerateOptions = {
    model: 'one',
    runs,
    n: 10,
    labels: 'random',
    class: 'all',
    out: [at('whole.npz')],
    batch: 4,
    seed: 7,
    shard: { part: 1, of: 1 },
    ...more,
  };
  return generate(options, reporter, uninterrupted(signal));
};

/** A reporter that breaks the work off at the `calls`-th sign of progress. */
const breaking = (calls: number): ReturnType<typeof listener> => {
  let left = calls;
  const update = (): void => {
    if (left-- === 0) throw new Error('broken off');
  };
  return { ...listener(), progress: () => ({ update, stop: () => undefined }) };
};

describe('generate', () => {
  it('writes images and labels as ADM reads them', async () => {
    const result = await start({});
    expect(result).toMatchObject({ images: 10, drawn: 10, complete: true });
    expect(readdirSync(runs).filter((name) => name.startsWith('whole'))).toEqual([
      'whole.npz',
      'whole.npz.json',
    ]);
    const npz = await openNpz(at('whole.npz'));
    expect(npz.names).toEqual(['arr_0', 'arr_1']);
    const images = await (await npz.array('arr_0')).read();
    expect([images.dtype, images.shape]).toEqual(['U8', [10, 16, 16, 3]]);
    expect(new Set(images.data).size).toBeGreaterThan(50);
    const { dtype, data } = await (await npz.array('arr_1')).read();
    const labels = await chooseLabels(result.request);
    expect([dtype, [...new BigInt64Array(data.slice().buffer)].map(Number)]).toEqual(['I64', labels]);
    await npz.close();
  });

  it('says that all is there when it is asked again', async () => {
    const before = readFileSync(at('whole.npz'));
    expect(await start({})).toMatchObject({ drawn: 0, complete: true });
    expect(readFileSync(at('whole.npz'))).toEqual(before);
  });

  it('gives the same bytes however often it is broken off', async () => {
    const out = [at('broken.npz')];
    for (const calls of [0, 2, 3, 4]) await expect(start({ out }, breaking(calls))).rejects.toThrow('broken');
    expect(existsSync(at('broken.npz'))).toBe(false);
    const reporter = listener();
    expect((await start({ out }, reporter)).drawn).toBeLessThan(10);
    expect(reporter.said.join()).toMatch(/\d of 10 images are drawn already/);
    expect(readFileSync(at('broken.npz'))).toEqual(readFileSync(at('whole.npz')));
  });

  it('stops after a batch when it is asked to', async () => {
    const controller = new AbortController();
    const reporter = listener();
    const update = (): void => controller.abort();
    const stopping = { ...reporter, progress: () => ({ update, stop: () => undefined }) };
    const out = [at('stopped.npz')];
    expect(await start({ out }, stopping, controller.signal)).toMatchObject({ drawn: 0, complete: false });
    expect(await start({ out })).toMatchObject({ drawn: 10, complete: true });
  });

  it('gives the same bytes in parts, in any order, and PNGs of the same pixels', async () => {
    const out = [at('parts.npz'), at('pngs')];
    for (const part of [3, 1]) {
      const result = await start({ out, shard: { part, of: 3 } });
      expect(result).toMatchObject({ drawn: part === 3 ? 2 : 4, complete: false });
    }
    expect(await start({ out, shard: { part: 2, of: 3 } })).toMatchObject({ drawn: 4, complete: true });
    const whole = readFileSync(at('whole.npz'));
    expect(readFileSync(at('parts.npz'))).toEqual(whole);
    expect(readdirSync(at('pngs'))).toEqual([...Array(10).keys()].map((i) => `00000${i}.png`));
    const npz = await openNpz(at('whole.npz'));
    const { data } = await (await npz.array('arr_0')).read(9, 1);
    await npz.close();
    expect(new Uint8Array(await sharp(at('pngs/000009.png')).raw().toBuffer())).toEqual(data);
    expect(await start({ out })).toMatchObject({ drawn: 0, complete: true });
  });

  it('draws an image that depends on seed, index and class alone, up to rounding', async () => {
    await start({ out: [at('fewer.npz')], n: 3, batch: 2 });
    const read = async (name: string): Promise<Uint8Array> => {
      const npz = await openNpz(at(name));
      const { data } = await (await npz.array('arr_0')).read(0, 3);
      await npz.close();
      return data;
    };
    const [few, many] = [await read('fewer.npz'), await read('whole.npz')];
    few.forEach((value, i) => {
      if (Math.abs(value - (many[i] as number)) > 1) throw new Error(`byte ${i}: ${value}, not ${many[i]}`);
    });
  });

  it('opens in NumPy', ({ skip }) => {
    const program = `
import json, sys, numpy as np
d = np.load(sys.argv[1])
print(json.dumps([d.files, str(d['arr_0'].dtype), d['arr_0'].shape, str(d['arr_1'].dtype), int(d['arr_0'].sum())]))`;
    let text = '';
    try {
      execFileSync('python3', ['-c', 'import numpy']);
      text = execFileSync('python3', ['-c', program, at('whole.npz')], { encoding: 'utf8' });
    } catch {
      skip('python3 with numpy is not installed');
    }
    const bytes = readFileSync(at('whole.npz'));
    const begin = bytes.indexOf('\n', bytes.indexOf('NUMPY')) + 1;
    const sum = bytes.subarray(begin, begin + 10 * 16 * 16 * 3).reduce((total, value) => total + value, 0);
    expect(JSON.parse(text)).toEqual([['arr_0', 'arr_1'], 'uint8', [10, 16, 16, 3], 'int64', sum]);
  });
});

describe('labels', () => {
  const request = { images: 40_000, seed: 3, classes: [0, 1, 2, 3, 4] } as const;

  it('are drawn with equal chance, the same for any number of images', async () => {
    const many = await chooseLabels({ ...request, labels: 'random' });
    expect(await chooseLabels({ ...request, images: 999, labels: 'random' })).toEqual(many.slice(0, 999));
    expect(await chooseLabels({ ...request, seed: 4, labels: 'random' })).not.toEqual(many);
    for (const label of request.classes) {
      const share = many.filter((value) => value === label).length / request.images;
      expect(Math.abs(share - 0.2)).toBeLessThan(3 * Math.sqrt((0.2 * 0.8) / request.images));
    }
  });

  it('are each in turn where they are balanced', async () => {
    const labels = await chooseLabels({ ...request, images: 7, classes: [4, 8, 6], labels: 'balanced' });
    expect(labels).toEqual([4, 8, 6, 4, 8, 6, 4]);
  });
});

describe('what is refused', () => {
  it('is an output of another request, which stays as it is', async () => {
    const before = readFileSync(at('whole.npz'));
    for (const [more, message] of [
      [{ seed: 8 }, 'seed 7, and not 8'],
      [{ n: 11 }, 'images 10, and not 11'],
      [{ sample: { guidance: 1.8 } }, 'sample.guidance 1, and not 1.8'],
      [{ batch: 5 }, 'batch 4, and not 5'],
      [{ class: 'Flags' }, 'classes [0,1,2,3,4,5,6,7,8], and not [2]'],
    ] as const) {
      await expect(start(more)).rejects.toThrow(
        `${at('whole.npz')} holds other images (${message}): choose another --out, or delete`,
      );
    }
    expect(readFileSync(at('whole.npz'))).toEqual(before);
  });

  it('is an output that nobody knows', async () => {
    writeFileSync(at('mine.npz'), 'precious');
    await expect(start({ out: [at('mine.npz')] })).rejects.toThrow(
      /mine\.npz is there already, and no .*mine/,
    );
    expect(readFileSync(at('mine.npz'), 'utf8')).toBe('precious');
    writeFileSync(at('old.npz.progress'), 'x');
    await expect(start({ out: [at('old.npz')] })).rejects.toThrow(/old\.npz\.progress is there already/);
    await expect(start({ out: [runs] })).rejects.toThrow(`${runs} is there already`);
  });

  it('is a file that the disk cannot hold, before anything is written', async () => {
    const out = [at('huge.npz')];
    await expect(start({ out, n: 1e12 })).rejects.toThrow(
      /huge\.npz takes 776,000,000 MB and the disk has [\d,]+ MB left/,
    );
    expect(readdirSync(runs).filter((name) => name.startsWith('huge'))).toEqual([]);
  });

  it('is to go on where images are gone', async () => {
    const out = [at('gone.npz')];
    await expect(start({ out }, breaking(4))).rejects.toThrow('broken');
    rmSync(at('gone.npz.partial'));
    await expect(start({ out })).rejects.toThrow('gone.npz.partial is gone, and');
  });

  it('is a class that does not exist, and weights that are not finite', async () => {
    await expect(start({ class: '9', out: [at('a.npz')] })).rejects.toThrow('There is no class "9"');
    const model = await loadModel('one', { runs }, listener());
    await writeModelFolder(at('model'), model, { kind: 'file', path: '../vae' });
    const file = at('model/model.safetensors');
    const bytes = readFileSync(file);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    cpSync(file, at('copy'));
    writeFileSync(file, bytes);
    await expect(start({ model: at('model'), out: [at('a.npz')], backend: 'cpu' })).rejects.toThrow(
      /model\.safetensors has a value that is not finite in \S+, at flat index \d+/,
    );
    expect(readdirSync(runs).filter((name) => name.startsWith('a.npz'))).toEqual([]);
  });
});
