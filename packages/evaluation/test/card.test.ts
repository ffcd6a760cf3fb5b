import { describe, expect, it } from 'vitest';
import { differencesOf, type EvaluationCard, inceptionScoreName, metricName } from '../src/index.ts';

const card = (changes: Partial<EvaluationCard> = {}): EvaluationCard => ({
  version: 1,
  figures: { 'FID@5000': { value: 12 } },
  n: 5000,
  samples: 'a.npz',
  reference: { name: 'ref.npz', sha256: 'a'.repeat(64), n: 10_000 },
  network: { name: 'Inception', sha256: 'b'.repeat(64) },
  drawing: {
    model: 'runs/a',
    step: 100,
    sample: { sampler: 'sde', steps: 250, guidance: 1.5, guidanceInterval: [0, 0.7] },
    nfe: 250,
    ema: '0.9999',
    vae: 'c'.repeat(64),
    seed: 0,
    labels: 'random',
  },
  date: '2026-01-01T00:00:00.000Z',
  command: 'ahpa evaluate',
  ...changes,
});

const drawn = (sample: Record<string, unknown>): EvaluationCard => {
  const { drawing } = card();
  return card({ drawing: drawing && { ...drawing, sample: { ...drawing.sample, ...sample } } });
};

describe('names of metrics', () => {
  it('are FID only for 50,000 images through Inception', () => {
    expect(metricName('fd', '', 50_000)).toBe('FID');
    expect(metricName('sfd', '', 10_000)).toBe('sFID@10000');
    expect(metricName('precision', '', 50_000)).toBe('precision');
    expect(metricName('fd', 'sqz-', 50_000)).toBe('sqz-fd');
    expect(metricName('kid', 'sqz-', 500)).toBe('sqz-kid@500');
  });

  it('have the splits of an Inception Score, but for 50,000 images in ten', () => {
    expect(inceptionScoreName('', 5000, 1)).toBe('IS@5000/1');
    expect(inceptionScoreName('', 12_000, 3)).toBe('IS@12000/3');
    expect(inceptionScoreName('', 50_000, 10)).toBe('IS');
    expect(inceptionScoreName('', 60_000, 12)).toBe('IS@60000/12');
    expect(inceptionScoreName('sqz-', 500, 1)).toBe('sqz-is@500/1');
  });
});

describe('cards side by side', () => {
  it('are comparable where only model, seed, date and command differ', () => {
    const { drawing } = card();
    const other = card({
      samples: 'b.npz',
      date: '2026-02-02T00:00:00.000Z',
      drawing: drawing && { ...drawing, model: 'runs/b', seed: 3 },
    });
    expect(differencesOf(card(), other)).toEqual([]);
  });

  it('are not where number, reference, network or sampler differ', () => {
    expect(differencesOf(card(), card({ n: 50_000 }))).toEqual(['n is 5000 here and 50000 there']);
    const reference = { ...card().reference, sha256: 'd'.repeat(64) };
    expect(differencesOf(card(), card({ reference }))[0]).toBe(
      'reference is aaaaaaaaaaaa... here and dddddddddddd... there',
    );
    expect(differencesOf(card(), drawn({ sampler: 'euler', steps: 50 }))).toEqual([
      'sampler is "sde" here and "euler" there',
      'steps is 250 here and 50 there',
    ]);
    expect(differencesOf(card(), card({ drawing: null }))).toEqual([
      'only one says how its images were drawn',
    ]);
  });

  it('are not where an Inception Score has splits of another size', () => {
    const is = (figures: EvaluationCard['figures'], n = 5000) => card({ figures, n });
    const one = is({ 'IS@5000/1': { value: 371, splits: 1, splitSize: 5000 } });
    const older = is({ 'IS@5000': { value: 192, deviation: 3 } });
    const refused =
      'isSplit is 5000 images here and 500 there, and the Inception Score depends on the size of its splits';
    expect(differencesOf(one, older)).toEqual([refused]);
    expect(differencesOf(one, older, ['isSplit'])).toEqual([]);
    expect(differencesOf(one, card())).toEqual([]);
    const [whole, olderWhole] = [
      is({ IS: { value: 300, splits: 10, splitSize: 5000 } }, 50_000),
      is({ IS: { value: 300, deviation: 3 } }, 50_000),
    ];
    expect(differencesOf(whole, olderWhole)).toEqual([]);
    const squeezed = is({ 'sqz-is@5000': { value: 9 } });
    expect(differencesOf(one, squeezed)).toEqual([refused]);
  });

  it('may differ in what is compared', () => {
    expect(differencesOf(card(), drawn({ guidance: 4 }), ['guidance'])).toEqual([]);
    expect(differencesOf(card(), drawn({ guidance: 4, shift: 2 }), ['guidance'])).toEqual([
      'shift is nothing here and 2 there',
    ]);
  });
});
