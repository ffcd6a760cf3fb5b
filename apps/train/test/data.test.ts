import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultCacheDir, type LoadEmojiOptions, loadEmoji, split } from '../src/data/emoji.ts';
import { EMOJI_CLASSES, EMOJI_SETS, listEmoji } from '../src/data/emoji-set.ts';
import { renderEmoji } from '../src/data/render.ts';
import { appendStats, groupNames, readStats, rewindStats, type StatsRow } from '../src/data/stats.ts';

const SIZE = 16;
const STRIDE = SIZE * SIZE * 3;

describe('listEmoji', () => {
  it.each([
    ['noto', [85, 161, 9, 132, 268, 383, 172, 251, 221]],
    ['fluent-emoji-flat', [86, 152, 8, 136, 260, 342, 168, 223, 218]],
    ['twemoji', [85, 160, 263, 131, 266, 364, 171, 250, 220]],
  ] as const)('lists %s by Unicode group', (set, counts) => {
    const emoji = listEmoji(set);
    expect(EMOJI_CLASSES.map((_, label) => emoji.filter((one) => one.label === label).length)).toEqual(
      counts,
    );
    expect(emoji.filter(({ name }) => /skin-tone|-tone\d/.test(name))).toEqual([]);
    expect(new Set(emoji.map(({ name }) => name)).size).toBe(emoji.length);
    expect(new Set(emoji.map(({ svg }) => svg)).size).toBe(emoji.length);
  });

  it('has each person once, whatever the skin tone', () => {
    for (const set of EMOJI_SETS) {
      const thumbs = listEmoji(set).filter(({ name }) => name.startsWith('thumbs-up'));
      expect(thumbs.map(({ name, label }) => [name, EMOJI_CLASSES[label]])).toEqual([
        ['thumbs-up', 'People & Body'],
      ]);
    }
  });

  it('keeps a few of every class, the same in every set', () => {
    const [a, b] = (['noto', 'twemoji'] as const).map((set) =>
      listEmoji(set, 2).filter(({ label }) => label !== 2),
    );
    expect(a?.length).toBe(16);
    expect(a?.filter(({ code }) => b?.some((other) => other.code === code)).length).toBeGreaterThan(12);
  });
});

describe('renderEmoji', () => {
  it('draws a picture on white, whole and centred', async () => {
    const square = { name: 'square', code: '0', label: 0 };
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 4"><rect width="8" height="4" fill="#f00"/></svg>';
    const progress = vi.fn();
    const images = await renderEmoji([{ ...square, svg }], 8, progress);
    const rows = Array.from({ length: 8 }, (_, y) => [...images.subarray(y * 24, y * 24 + 3)]);
    const [white, red] = [
      [255, 255, 255],
      [255, 0, 0],
    ];
    expect(rows).toEqual([white, white, red, red, red, red, white, white]);
    expect(progress.mock.calls).toEqual([[1, 1]]);
  });

  it('keeps the order of the list', async () => {
    const emoji = listEmoji('noto', 1);
    const images = await renderEmoji(emoji, 16, () => undefined);
    const alone = await renderEmoji(emoji.slice(4, 5), 16, () => undefined);
    expect(images.subarray(4 * 16 * 16 * 3, 5 * 16 * 16 * 3)).toEqual(alone);
  });
});

describe('loadEmoji', () => {
  let cacheDir = '';
  let said: string[] = [];
  const load = (options: Partial<LoadEmojiOptions> = {}): ReturnType<typeof loadEmoji> =>
    loadEmoji({
      sets: ['noto'],
      size: SIZE,
      perClass: 1,
      cacheDir,
      say: (text) => said.push(text),
      ...options,
    });
  const cached = (ending: string): string =>
    join(cacheDir, readdirSync(cacheDir).find((file) => file.endsWith(ending)) as string);

  beforeEach(() => {
    cacheDir = mkdtempSync(join(tmpdir(), 'ahpa-cache-'));
    said = [];
  });

  it('gives pixels, labels and names of every class', async () => {
    const set = await load();
    expect(set.images.length).toBe(9 * STRIDE);
    expect([...set.labels].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(set.classes).toEqual(EMOJI_CLASSES);
    expect(set.names).toEqual([...set.names].sort());
    for (let row = 0; row < 9; row++) {
      const image = set.images.subarray(row * STRIDE, (row + 1) * STRIDE);
      expect(
        image.some((value) => value < 200),
        `${set.names[row]} is blank`,
      ).toBe(true);
    }
  });

  it('draws once and reads the same from disk', async () => {
    const onProgress = vi.fn();
    const drawn = await load({ onProgress });
    expect(onProgress).toHaveBeenLastCalledWith(9, 9, 'noto');
    onProgress.mockClear();
    expect(await load({ onProgress })).toEqual(drawn);
    expect(onProgress).not.toHaveBeenCalled();
    expect(said).toEqual([]);
    expect(readdirSync(cacheDir).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['u8', (path: string): void => writeFileSync(path, readFileSync(path).fill(7, 100, 101)), 'is corrupt'],
    ['json', (path: string): void => writeFileSync(path, '{"version":'), 'is not an index of this version'],
    [
      'json',
      (path: string): void =>
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace(/"packageVersion":"[^"]*"/, '"packageVersion":"0.1"'),
        ),
      'was drawn from version 0.1',
    ],
  ])('draws again when its %s file is damaged or old, and says so', async (ending, damage, reason) => {
    const drawn = await load();
    damage(cached(ending));
    expect(await load()).toEqual(drawn);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(reason);
    expect(said[0]).toContain(cacheDir);
    expect(await load()).toEqual(drawn);
    expect(said).toHaveLength(1);
  });

  it('joins sets, and keeps an emoji on one side of the split in all of them', async () => {
    const set = await load({ sets: ['noto', 'twemoji'], perClass: 3, size: 8 });
    expect(set.images.length).toBe(set.names.length * 8 * 8 * 3);
    expect(set.names.length).toBe(54);
    const { train, heldOut } = split(set, 0.3);
    expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(set.names.map((_, row) => row));
    const codes = new Set([...train].map((row) => set.codes[row]));
    expect([...heldOut].filter((row) => codes.has(set.codes[row] as string))).toEqual([]);
  });
});

describe('split', () => {
  it('holds out about the share asked for, and always the same emoji', () => {
    const codes = listEmoji('noto').map(({ code }) => code);
    const { train, heldOut } = split({ codes });
    expect(heldOut.length).toBe(164);
    expect(train.length).toBe(codes.length - 164);
    const alone = split({ codes: [codes[heldOut[0] as number] as string] });
    expect([...alone.heldOut]).toEqual([0]);
    expect(split({ codes }, 0).heldOut.length).toBe(0);
  });
});

describe('defaultCacheDir', () => {
  it('is $AHPA_CACHE where set, else the user cache folder', () => {
    vi.stubEnv('AHPA_CACHE', '/somewhere');
    expect(defaultCacheDir()).toBe('/somewhere');
    vi.stubEnv('AHPA_CACHE', '');
    expect(defaultCacheDir()).toMatch(/ahpa/);
    vi.unstubAllEnvs();
  });
});

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
