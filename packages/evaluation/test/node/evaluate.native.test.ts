import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '@ahpa/engine';
import { useTensorFlow } from '@ahpa/libtensorflow';
import type { Reporter } from '@ahpa/messages';
import { missing } from '@ahpa/test-fixtures';
import { testValues } from '@ahpa/test-utils';
import { writeNpz } from '@ahpa/weight-files';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationCard, Metric, PairedTest } from '../../src/index.ts';
import {
  activeAlgebra,
  comparePaired,
  evaluateSamples,
  factorReference,
  type MetricOptions,
  openFeatureNetwork,
  openPixels,
  openReference,
  type PixelSource,
  saveReference,
  showCard,
} from '../../src/node/index.ts';

/** The graph that the tests of @ahpa/libtensorflow make; by a variable, since it lies in another project. */
const GRAPH = '../../../libtensorflow/test/small-inception.ts';
const graphBytes = async (): Promise<Uint8Array> => {
  const { smallInception } = (await import(GRAPH)) as { smallInception: () => { bytes: Uint8Array } };
  return smallInception().bytes;
};

let folder = '';
const at = (name: string): string => join(folder, name);
const warnings: string[] = [];
const reporter: Reporter = {
  say: () => undefined,
  warn: (text) => warnings.push(text),
  progress: () => ({ update: () => undefined, stop: () => undefined }),
};

/** Images `[n, 8, 8, 3]` of random numbers about a colour. */
const images = (n: number, seed: number, base = 100): Uint8Array =>
  Uint8Array.from(testValues(n * 192, seed), (value) => base + 60 * value);

const array = (n: number, data: Uint8Array) => ({ dtype: 'U8', shape: [n, 8, 8, 3], data }) as const;

interface Request extends MetricOptions {
  readonly samples?: string;
  readonly ref?: string;
  readonly inception?: string;
  readonly sha256?: string;
  readonly n?: number;
  readonly saveRef?: string;
  readonly against?: string;
}

interface Evaluation {
  readonly card: EvaluationCard;
  readonly paired?: PairedTest;
}

const opened: PixelSource[] = [];
async function openSource(path: string): Promise<PixelSource> {
  const source = await openPixels(path);
  opened.push(source);
  return source;
}

/** Evaluates files of images, from opening them to the card. */
async function evaluateFiles({ saveRef, against, n, ...request }: Request): Promise<Evaluation> {
  const { samples, ref, ...choice } = { samples: at('samples.npz'), ref: at('ref.npz'), ...request };
  const engine = await createEngine({ backend: 'tensorflow', wideOperations: true });
  const options = { inception: at('small.pb'), cacheDir: folder, ...choice };
  const network = await openFeatureNetwork(options, engine, reporter);
  try {
    const algebra = await activeAlgebra();
    const reference = factorReference(await openReference(ref, network, algebra, reporter), algebra);
    if (saveRef) await saveReference(saveRef, reference, network);
    const source = await openSource(samples);
    const own = { source: { ...source, n: n ?? source.n }, drawing: null };
    const evaluator = { network, reference, algebra };
    const asked = { command: 'evaluate', ...request };
    const { card, features } = await evaluateSamples(own, evaluator, asked, reporter);
    if (!against) return { card };
    const other = { source: await openSource(against), drawing: null };
    const repeats = request.bootstrap ?? 200;
    return { card, paired: await comparePaired({ ...own, features }, other, evaluator, repeats) };
  } finally {
    network.dispose();
    await Promise.all(opened.splice(0).map((source) => source.close()));
  }
}

const metrics = ({ card }: Evaluation): Record<string, number> =>
  Object.fromEntries(Object.entries(card.figures).map(([name, { value }]) => [name, value]));

describe.skipIf(missing)('evaluation through a frozen graph', () => {
  beforeAll(async () => {
    await useTensorFlow();
    folder = await mkdtemp(join(tmpdir(), 'ahpa-evaluate-'));
    await writeFile(at('small.pb'), await graphBytes());
    await writeNpz(at('samples.npz'), { arr_0: array(130, images(130, 1)) });
    await writeNpz(at('ref.npz'), { arr_0: array(120, images(120, 2, 110)) });
    await mkdir(at('pngs'));
    const data = images(130, 1);
    for (let i = 0; i < 130; i++) {
      const raw = { width: 8, height: 8, channels: 3 } as const;
      const png = sharp(data.subarray(192 * i, 192 * (i + 1)), { raw });
      await png.png().toFile(at(`pngs/${String(i).padStart(4, '0')}.png`));
    }
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives the same metrics for an array and a folder, named by their number, on a card of 80 columns', async () => {
    const live = tf.memory().numTensors;
    const fromArray = await evaluateFiles({});
    const fromFolder = await evaluateFiles({ samples: at('pngs') });
    expect(metrics(fromFolder)).toEqual(metrics(fromArray));
    expect(tf.memory().numTensors).toBe(live);
    const names = ['FID@130', 'sFID@130', 'IS@130/1', 'precision@130', 'recall@130'];
    expect(Object.keys(fromArray.card.figures)).toEqual(names);
    const { card } = fromArray;
    expect(card.figures['IS@130/1']).toEqual({ value: expect.any(Number), splits: 1, splitSize: 5000 });
    expect(card).toMatchObject({ version: 1, n: 130, drawing: null, command: 'evaluate' });
    expect(card.reference.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(card.network.name).toBe('Inception (TensorFlow graph)');
    for (const line of showCard(card).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('is zero of images and themselves, and not of others', async () => {
    const own = metrics(await evaluateFiles({ ref: at('samples.npz') }));
    expect(Math.abs(own['FID@130'] as number)).toBeLessThan(1e-7);
    expect(own['precision@130']).toBe(1);
    const other = metrics(await evaluateFiles({}));
    expect(other['FID@130']).toBeGreaterThan(1e-5);
  });

  it('keeps statistics of a reference, which give the same metrics and the same reference hash', async () => {
    const first = await evaluateFiles({ saveRef: at('kept.safetensors'), kid: true, infinity: true });
    const again = await evaluateFiles({ ref: at('kept.safetensors'), kid: true, infinity: true });
    expect(metrics(again)).toEqual(metrics(first));
    expect(again.card.reference).toMatchObject({ sha256: first.card.reference.sha256, n: 120 });
  });

  it('takes the statistics of an ADM reference for the distances and its images for precision', async () => {
    const identity = (d: number) =>
      new Uint8Array(Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) ? 0 : 1)).buffer);
    const zeros = (d: number) => new Uint8Array(8 * d);
    await writeNpz(at('adm.npz'), {
      arr_0: array(120, images(120, 2, 110)),
      mu: { dtype: 'F64', shape: [2], data: zeros(2) },
      sigma: { dtype: 'F64', shape: [2, 2], data: identity(2) },
      mu_s: { dtype: 'F64', shape: [162], data: zeros(162) },
      sigma_s: { dtype: 'F64', shape: [162, 162], data: identity(162) },
    });
    const [adm, plain] = [await evaluateFiles({ ref: at('adm.npz') }), await evaluateFiles({})];
    expect(adm.card.reference.n).toBeNull();
    expect(adm.card.figures['precision@130']).toEqual(plain.card.figures['precision@130']);
    expect(adm.card.figures['FID@130']).not.toEqual(plain.card.figures['FID@130']);
  });

  it('tests two sets from the same noise against each other', async () => {
    await writeNpz(at('brighter.npz'), { arr_0: array(130, images(130, 1, 160)) });
    const { paired, card } = await evaluateFiles({ against: at('brighter.npz'), bootstrap: 40 });
    expect(paired?.high).toBeLessThan(0);
    expect(paired?.pValue).toBe(1 / 41);
    const { value, interval } = card.figures['FID@130'] as Metric;
    expect(interval?.[0]).toBeLessThan(value);
    expect(interval?.[1]).toBeGreaterThan(value);
    const same = await evaluateFiles({ against: at('samples.npz'), bootstrap: 20 });
    expect(same.paired).toMatchObject({ value: 0, pValue: 1 });
  });

  it('warns of fewer images than dimensions, and says what that does', async () => {
    warnings.length = 0;
    await evaluateFiles({ n: 130 });
    expect(warnings).toEqual([]);
    await evaluateFiles({ n: 2 });
    expect(warnings[0]).toMatch(/^2 images are no more than the 2 dimensions.*FID@2 comes out too large/);
  });
});

describe.skipIf(missing)('bad input is refused in one sentence', () => {
  beforeAll(async () => {
    await useTensorFlow();
    folder = await mkdtemp(join(tmpdir(), 'ahpa-evaluate-'));
    await writeFile(at('small.pb'), await graphBytes());
    await writeNpz(at('ref.npz'), { arr_0: array(20, images(20, 2)) });
    await writeNpz(at('samples.npz'), { arr_0: array(20, images(20, 1)) });
    await writeNpz(at('floats.npz'), {
      arr_0: { dtype: 'F32', shape: [20, 8, 8, 3], data: new Uint8Array(20 * 192 * 4) },
    });
    const whole = await readFile(at('samples.npz'));
    await writeFile(at('cut.npz'), whole.subarray(0, whole.length - 700));
    await mkdir(at('mixed'));
    for (const [name, size] of [
      ['a', 8],
      ['b', 9],
    ] as const)
      await sharp({ create: { width: size, height: 8, channels: 3, background: 'red' } })
        .png()
        .toFile(at(`mixed/${name}.png`));
    await mkdir(at('empty'));
    await writeFile(at('huge.npz'), '');
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    [
      'a wrong type',
      { samples: 'floats.npz' },
      /floats\.npz holds F32 of shape \[20, 8, 8, 3\], wanted images: U8/,
    ],
    [
      'a truncated file',
      { samples: 'cut.npz' },
      /cut\.npz: the archive has no end record; the file is cut off/,
    ],
    ['mixed sizes', { samples: 'mixed' }, /mixes sizes: a\.png is 8 x 8 and b\.png is 9 x 8; figures need/],
    ['no images', { samples: 'empty' }, /holds no images, wanted PNG or JPEG/],
    ['another network', { inception: 'ref.npz' }, /neither|no frozen|Inception weights|torch\.save/],
    ['statistics of nothing', { ref: 'samples.safetensors' }, /no such file|ENOENT/],
  ])('%s', async (_, request, message) => {
    const given = Object.entries(request).map(([key, name]) => [key, at(name)]);
    await expect(evaluateFiles(Object.fromEntries(given))).rejects.toThrow(message);
  });

  it('a file with another hash than the one named, and a URL without one', async () => {
    await expect(evaluateFiles({ sha256: '0'.repeat(64) })).rejects.toThrow(/has the sha256 .*, wanted 0000/);
    const url = { inception: 'https://example.invalid/graph.pb' };
    await expect(evaluateFiles(url)).rejects.toThrow('add --sha256 HEX');
  });
});
