import { join } from 'node:path';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runExample } from './run-example.mjs';

describe('examples on the cpu backend', () => {
  it('toy-2d writes its picture', async () => {
    const out = join(temporary(), 'toy.png');
    const lines = await runExample(
      'toy-2d/toy-2d.mjs',
      ...['--backend', 'cpu', '--steps', '2', '--points', '20', '--out', out],
    );
    expect(lines.at(-1)).toBe(`wrote ${out}`);
    expect((await sharp(out).metadata()).width).toBeGreaterThan(1000);
  });

  it('swap-a-router trains with the router of the file', async () => {
    const lines = await runExample('swap-a-router/train.mjs', '--steps', '5');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^step 1 {2}loss \d.*fine at t = 0, 0.5, 1: 1\.00, 0\.50, 0\.00$/);
  });

  it('own-optimizer takes the weight of the alignment to zero', async () => {
    const lines = await runExample('own-optimizer/train.mjs', '--steps', '10');
    const [, denoising, , total] = lines.at(-1).match(/denoising (\S+) {2}alignment (\S+) {2}total (\S+)/);
    expect(lines).toHaveLength(5);
    expect(Number(total)).toBeGreaterThan(Number(denoising));
  });

  it('one-package-alone prints weights of sum one', async () => {
    const lines = await runExample('one-package-alone/router.mjs');
    const rows = lines.slice(1).flatMap((line) => line.split('\n  ').slice(1));
    expect(rows).toHaveLength(20);
    for (const row of rows) {
      expect(row.split(' ').reduce((sum, weight) => sum + Number(weight), 0)).toBeCloseTo(1, 1);
    }
  });
});
