import { appendFileSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { appendStats, groupNames, readStats, rewindStats, type StatsRow } from '../../src/records/stats.ts';

describe('stats', () => {
  const row = (step: number): StatsRow => ({
    step,
    images: step * 4,
    seconds: step,
    loss: 1,
    denoising: 0.5,
    alignment: 1,
    gradNorm: 1,
    learningRate: 1e-4,
    'group.fine': 0.25,
    route: { t: [0.5], weights: { fine: [0.5], coarse: [0.5] } },
  });
  const path = (): string => join(mkdtempSync(join(tmpdir(), 'ahpa-stats-')), 'stats.jsonl');

  it('reads what was appended and ignores a torn last line', async () => {
    const file = path();
    await appendStats(file, row(1));
    await appendStats(file, row(2));
    appendFileSync(file, '{"step":3,"ima');
    expect(await readStats(file)).toEqual([row(1), row(2)]);
    expect(groupNames(await readStats(file))).toEqual(['fine', 'coarse']);
  });

  it('refuses a bad line that is not the last', async () => {
    const file = path();
    writeFileSync(file, '{"step":1}\n{"st\n{"step":2}\n');
    await expect(readStats(file)).rejects.toThrow(/line 2, is not JSON/);
  });

  it('reads of many rows at most so many, and the last', async () => {
    const file = path();
    for (let step = 1; step <= 100; step++) await appendStats(file, row(step));
    expect(await readStats(file, 100)).toHaveLength(100);
    const steps = (await readStats(file, 30)).map(({ step }) => step);
    expect(steps).toEqual([...Array.from({ length: 25 }, (_, i) => 1 + 4 * i), 100]);
    expect(await readStats(path(), 30)).toEqual([]);
  });

  it('reads rows across the pieces a file is read in', async () => {
    const file = path();
    const long = { ...row(1), note: 'ä'.repeat(150_001) };
    await appendStats(file, long);
    await appendStats(file, row(2));
    expect(await readStats(file)).toEqual([long, row(2)]);
    await rewindStats(file, 1);
    expect(await readStats(file)).toEqual([long]);
  });

  it('drops what a resumed run will write again', async () => {
    const file = path();
    for (const step of [1, 2, 3]) await appendStats(file, row(step));
    appendFileSync(file, '{"step":4');
    expect(await rewindStats(file, 2)).toEqual(row(2));
    await appendStats(file, row(3));
    expect((await readStats(file)).map(({ step }) => step)).toEqual([1, 2, 3]);
    const absent = path();
    expect(await rewindStats(absent, 2)).toBeUndefined();
    expect(existsSync(absent)).toBe(false);
  });
});
