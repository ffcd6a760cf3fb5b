import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { parseTrainConfig } from '../../src/config/parse.ts';
import type { TrainConfig } from '../../src/config/types.ts';

const path = join(temporary(), 'own.json');
writeFileSync(
  path,
  JSON.stringify({
    data: { kind: 'images', path: 'photos', within: 'train', size: 32, threads: 0 },
    vae: { kind: 'file', path: 'old.pt', decoder: 'old-decoder.pt', scale: 2 },
    model: { init: { path: 'dit.pt', from: 'dit', part: 'ema' } },
    alignment: {
      kind: 'haste',
      weight: 3,
      attention: { weight: 2, temperature: 1 },
      schedule: { kind: 'step', at: 9 },
    },
    optim: { schedule: { kind: 'cosine', until: 7, final: 0.5 } },
    evaluate: { every: 5, lossEvery: 3, images: 4 },
    train: { steps: 8 },
  }),
);

const load = (...set: string[]): TrainConfig => loadConfig({ names: [path], set });

describe('an object that is assigned', () => {
  it.each([
    ['data', { kind: 'images', path: 'other' }],
    ['data', { kind: 'emoji', size: 32 }],
    ['data', { kind: 'cache', path: 'cache' }],
    ['vae', { kind: 'file', path: 'new' }],
    ['vae', { kind: 'emoji-vae' }],
    ['model.init', { path: 'run' }],
    ['alignment', { kind: 'haste' }],
    ['alignment', { kind: 'ahpa', router: { kind: 'fixed' } }],
    ['alignment.attention', { temperature: 0.5 }],
    ['alignment.schedule', { kind: 'step', at: 4 }],
    ['optim.schedule', { kind: 'cosine', until: 8 }],
    ['evaluate', { every: 2 }],
  ])('is the whole value of %s: %j', (key, value) => {
    const keys = key.split('.');
    const written = keys.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
    const inside = (written as { alignment?: object }).alignment;
    const kind = key.startsWith('alignment.') ? { alignment: { kind: 'haste', ...inside } } : written;
    const at = (config: TrainConfig): unknown =>
      keys.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], config);
    const config = load(`${key}=${JSON.stringify(value)}`);
    expect(at(config)).toEqual(at(parseTrainConfig(kind)));
    expect(config.train.steps).toBe(8); // what is not assigned stays
  });

  it('goes together with single keys of it, in any order', () => {
    const whole = 'vae={"kind":"file","path":"new"}';
    const wanted = { kind: 'file', path: 'new', decoder: 'mine', config: null, scale: null, shift: null };
    expect(load(whole, 'vae.decoder=mine').vae).toEqual(wanted);
    expect(load('vae.decoder=mine', whole).vae).toEqual(wanted);
  });

  it('replaces an earlier one for the same key', () => {
    expect(load('evaluate={"every":2,"images":3}', 'evaluate={"every":6}').evaluate).toMatchObject({
      every: 6,
      images: 1000,
    });
  });

  it('leaves the other keys alone where single ones are assigned', () => {
    expect(load('vae.path=new').vae).toMatchObject({ path: 'new', decoder: 'old-decoder.pt', scale: 2 });
    expect(load('evaluate.every=1').evaluate).toMatchObject({ every: 1, lossEvery: 3, images: 4 });
  });
});

describe('an error', () => {
  const message = (value: unknown): string => {
    try {
      parseTrainConfig(value);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('no error');
  };

  it('names the first few of many problems, and counts the rest', () => {
    const wrong = {
      batch: 0,
      steps: 0,
      reportEvery: 0,
      sampleEvery: -1,
      checkpointEvery: 0,
      keepLast: 0,
      seed: -1,
    };
    expect(message({ train: wrong })).toMatch(
      /^The configuration is not valid: train\.batch: .*; and 2 more problems\.$/,
    );
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}`, i]));
    expect(message({ optim: unknown })).toMatch(/unknown key "key2", .*; and 497 more unknown keys\.$/);
    expect(message({ ...unknown, alignment: { kind: 'ahpa', ...unknown } }).length).toBeLessThan(600);
  });

  it('shows the beginning of a long value', () => {
    expect(message({ train: { batch: 'x'.repeat(5000) } }).length).toBeLessThan(200);
  });
});

describe('a seed', () => {
  it.each([-1, 0.5, 2 ** 32, 2 ** 53, 1e300, '7'])('%j is refused', (seed) => {
    expect(() => parseTrainConfig({ train: { seed } })).toThrow(
      `train.seed: wanted a whole number from 0 to 4294967295, got ${JSON.stringify(seed)}`,
    );
  });

  it.each([0, 2 ** 31, 2 ** 32 - 1])('%d is taken', (seed) => {
    expect(parseTrainConfig({ train: { seed } }).train.seed).toBe(seed);
  });
});

it('the width of a model is one that its heads and positions divide', () => {
  const size = { hiddenSize: 50, depth: 3, heads: 5, patchSize: 1 };
  expect(() => parseTrainConfig({ model: { size } })).toThrow(
    'model.size.hiddenSize: wanted a multiple of 4 and of heads, 5, got 50',
  );
});
