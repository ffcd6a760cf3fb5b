import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type RunFolder, runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(runs, 'cache');
  vae = await writeTinyVae(runs);
});

async function run(name: string, set: readonly string[], reporter = listener()): Promise<RunFolder> {
  const folder = runFolder(join(runs, name));
  const config = tinyConfig(vae, ['train.steps=2', 'train.sampleEvery=1', 'train.checkpointEvery=1', ...set]);
  await train(config, folder, reporter, uninterrupted);
  return folder;
}

/** Rows of images in a grid of enlarged tiles. */
const rows = async (path: string): Promise<number> =>
  (((await sharp(path).metadata()).height ?? 0) - 2) / 130;

describe('sample grids of a run', () => {
  it('show the classes and images that the configuration names, by name', async () => {
    const reporter = listener();
    const { samples } = await run('named', ['sample.classes=["flags",3]', 'sample.perClass=5'], reporter);
    expect(await rows(join(samples, '0000002.png'))).toBe(2);
    expect(reporter.said).toContain(
      'Sample grids show 5 images of 2 classes: 2 ("Flags"), 3 ("Food & Drink").',
    );
    expect(await rows(join((await run('number', ['sample.classes=4'])).samples, '0000001.png'))).toBe(4);
  });

  it('are none at all with train.sampleEvery 0, and the plot is there', async () => {
    const folder = await run('none', ['train.sampleEvery=0']);
    expect(readdirSync(folder.samples)).toEqual([]);
    expect(readFileSync(folder.plot, 'utf8')).toContain('<svg');
  });

  it.each<[string, string[], RegExp]>([
    ['it has too many images', ['sample.perClass=1000000'], /9,000,000 images do not fit into a grid/],
    ['its numbers are not finite', ['sample.guidance=1e300'], /a value that is not finite/],
  ])('are a warning where one cannot be drawn, and training goes on: %s', async (name, set, problem) => {
    const reporter = listener();
    const folder = await run(name, set, reporter);
    expect(reporter.warned).toEqual([
      expect.stringMatching(/^No sample grid of step 1: .* Training goes on\.$/),
      expect.stringMatching(problem),
    ]);
    expect(readdirSync(folder.samples)).toEqual([]);
    expect(existsSync(join(folder.checkpoints, '0000002.safetensors'))).toBe(true);
  });

  it('are a warning where their file cannot be written, and no half one stands', async () => {
    const reporter = listener();
    const folder = runFolder(join(runs, 'blocked'));
    mkdirSync(join(folder.samples, '0000001.png.partial'), { recursive: true });
    await run('blocked', [], reporter);
    expect(reporter.warned).toEqual([
      expect.stringMatching(/^No sample grid of step 1: A folder stands where a file/),
    ]);
    expect(readdirSync(folder.samples).filter((name) => name.endsWith('.png'))).toEqual(['0000002.png']);
  });

  it('name their classes before anything is begun', async () => {
    await expect(run('wrong', ['sample.classes=["Flagz"]'])).rejects.toThrow('There is no class "Flagz"');
    expect(existsSync(join(runs, 'wrong'))).toBe(false);
  });

  it('leave the counts of the classes in the checkpoint, and in what samples from it', async () => {
    const folder = await run('counted', []);
    const { meta } = await loadCheckpoint(join(folder.checkpoints, '0000002.safetensors'));
    expect(meta['counts']).toEqual(Array(9).fill(2));
    const reporter = listener();
    const request = { model: 'counted', runs, class: 'Flags', n: 1, out: join(runs, 'one.png'), seed: 0 };
    await sampleRun(request, reporter);
    expect(reporter.said.join('\n')).toContain('0000002.safetensors: 9 classes: Activities 2, ');
  });
});
