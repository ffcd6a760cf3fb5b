import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { writeGrid } from '../../src/files/image-grid.ts';
import { writeRunPlot } from '../../src/records/plot.ts';
import type { StatsRow } from '../../src/records/stats.ts';

const folder = mkdtempSync(join(tmpdir(), 'ahpa-visual-'));

function runRows(count: number): StatsRow[] {
  const t = Array.from({ length: 10 }, (_, i) => (i + 0.5) / 10);
  return Array.from({ length: count }, (_, i) => {
    const step = (i + 1) * 25;
    const done = i / count;
    const wobble = Math.sin(i * 12.9898) * 0.02;
    const weights = t.map((time) => {
      const logits = [2 * done * (0.5 - time), 0, 3 * done * (time - 0.5)].map(Math.exp);
      const sum = logits.reduce((a, b) => a + b, 0);
      return logits.map((x) => x / sum);
    });
    const at = (g: number): number[] => weights.map((row) => row[g] as number);
    return {
      step,
      images: step * 32,
      seconds: step * 0.1,
      loss: 1.5 - 0.6 * done,
      denoising: 0.7 + Math.exp(-4 * done) + wobble,
      alignment: 0.5 + 0.4 * Math.exp(-3 * done) + wobble,
      gradNorm: 1,
      learningRate: 3e-4,
      'group.fine': 0.6 + 0.4 * Math.exp(-3 * done) + wobble,
      'group.mid': 0.5 + 0.4 * Math.exp(-3 * done),
      'group.coarse': 0.4 + 0.4 * Math.exp(-3 * done),
      route: { t, weights: { fine: at(0), mid: at(1), coarse: at(2) } },
    };
  });
}

describe('writeRunPlot', () => {
  it('names every panel, group and axis', async () => {
    const path = join(folder, 'run.svg');
    await writeRunPlot(path, runRows(200));
    const svg = readFileSync(path, 'utf8');
    for (const text of [
      'Denoising loss',
      'Alignment loss',
      'Router weights at step 5000',
      'Router weights over training',
      'all groups',
      'coarse',
      'time t (0 data, 1 noise)',
    ]) {
      expect(svg).toContain(text);
    }
  });

  it('leaves out what the run lacks', async () => {
    const path = join(folder, 'none.svg');
    const rows = runRows(3).map(({ step, images, seconds, loss, denoising, gradNorm, learningRate }) => ({
      step,
      images,
      seconds,
      loss,
      denoising,
      gradNorm,
      learningRate,
    }));
    await writeRunPlot(path, rows);
    const svg = readFileSync(path, 'utf8');
    expect(svg).toContain('Denoising loss');
    expect(svg).not.toMatch(/Alignment|Router|undefined|NaN/);
  });

  it('averages long runs, so that the file stays small', async () => {
    const size = async (rows: number): Promise<number> => {
      const path = join(folder, 'long.svg');
      await writeRunPlot(path, runRows(rows));
      return readFileSync(path).length;
    };
    expect(await size(6000)).toBeLessThan(1.1 * (await size(300)));
  });

  it('refuses a run without rows', async () => {
    await expect(writeRunPlot(join(folder, 'empty.svg'), [])).rejects.toThrow('reported no step yet');
  });
});

describe('writeGrid', () => {
  const images = Uint8Array.from(
    { length: 3 * 64 * 64 * 3 },
    (_, i) => [10, 120, 250][Math.floor(i / (64 * 64 * 3))] as number,
  );
  const shape = [3, 64, 64, 3] as const;
  const pixels = async (
    path: string,
  ): Promise<{ at: (x: number, y: number) => number; width: number; height: number }> => {
    const { data, info } = await sharp(path).raw().toBuffer({ resolveWithObject: true });
    return {
      at: (x, y) => data[(y * info.width + x) * info.channels] as number,
      width: info.width,
      height: info.height,
    };
  };

  it('lays images out row by row, enlarged twice, with gaps', async () => {
    const path = join(folder, 'grid.png');
    await writeGrid(path, { data: images, shape }, 2);
    const { at, width, height } = await pixels(path);
    expect([width, height]).toEqual([2 + 2 * 130, 2 + 2 * 130]);
    expect([at(2, 2), at(129, 129), at(132, 2), at(2, 132)]).toEqual([10, 10, 120, 250]);
    expect(new Set([at(0, 0), at(130, 50), at(131, 50), at(200, 200)])).toEqual(new Set([227]));
  });

  it('draws labels beside the rows', async () => {
    const path = join(folder, 'labels.png');
    await writeGrid(path, { data: images, shape }, 1, { gap: 4, labels: ['Food & Drink', 'b', '<c>'] });
    const { at, width, height } = await pixels(path);
    const gutter = width - (128 + 2 * 4);
    expect(gutter).toBeGreaterThan(60);
    expect(height).toBe(4 + 3 * 132);
    const dark = (top: number): number => {
      let count = 0;
      for (let y = top; y < top + 128; y++) for (let x = 0; x < gutter; x++) if (at(x, y) < 100) count++;
      return count;
    };
    expect(dark(4)).toBeGreaterThan(dark(136));
    expect(dark(136)).toBeGreaterThan(10);
    expect(at(gutter + 4, 4)).toBe(10);
  });

  it('refuses bytes that do not fit the shape', async () => {
    await expect(writeGrid(join(folder, 'bad.png'), { data: images.subarray(1), shape }, 2)).rejects.toThrow(
      'a grid of shape [3,64,64,3] needs 36864 bytes, got 36863',
    );
  });
});
