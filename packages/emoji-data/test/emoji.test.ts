import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { splitByName } from '@ahpa/image-data';
import { type Reporter, silent } from '@ahpa/messages';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  EMOJI_CLASSES,
  EMOJI_SETS,
  type LoadEmojiOptions,
  listEmoji,
  loadEmoji,
  renderEmoji,
} from '../src/index.ts';

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
  const load = (
    options: Partial<LoadEmojiOptions> = {},
    progress: Reporter['progress'] = silent.progress,
  ): ReturnType<typeof loadEmoji> =>
    loadEmoji(
      { sets: ['noto'], size: SIZE, perClass: 1, cacheDir, ...options },
      { ...silent, warn: (text) => said.push(text), progress },
    );
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
    const bar = { update: vi.fn(), stop: vi.fn() };
    const progress = vi.fn(() => bar);
    const drawn = await load({}, progress);
    expect(progress.mock.calls).toEqual([['drawing noto', 9]]);
    expect(bar.update).toHaveBeenLastCalledWith(9, undefined);
    expect(bar.stop).toHaveBeenCalledOnce();
    expect(await load({}, progress)).toEqual(drawn);
    expect(progress).toHaveBeenCalledOnce();
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
    const { train, heldOut } = splitByName(set.codes, 0.3);
    expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(set.names.map((_, row) => row));
    const codes = new Set([...train].map((row) => set.codes[row]));
    expect([...heldOut].filter((row) => codes.has(set.codes[row] as string))).toEqual([]);
  });
});

describe('splitByName', () => {
  it('holds out about the share asked for, and always the same emoji', () => {
    const codes = listEmoji('noto').map(({ code }) => code);
    const { train, heldOut } = splitByName(codes, 0.1);
    expect(heldOut.length).toBe(164);
    expect(train.length).toBe(codes.length - 164);
    const alone = splitByName([codes[heldOut[0] as number] as string], 0.1);
    expect([...alone.heldOut]).toEqual([0]);
    expect(splitByName(codes, 0).heldOut.length).toBe(0);
  });
});
