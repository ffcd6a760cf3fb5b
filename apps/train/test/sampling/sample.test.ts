import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { type SampleRequest, sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(runs, 'cache');
  const config = tinyConfig(await writeTinyVae(runs), ['train.steps=2', 'train.checkpointEvery=1']);
  await train(config, runFolder(join(runs, 'one')), listener(), uninterrupted);
}, 60_000);

const request = (out: string, more: Partial<SampleRequest> = {}): SampleRequest => ({
  model: 'one',
  runs,
  class: 'all',
  n: 2,
  out: join(runs, out),
  seed: 0,
  ...more,
});

describe('a weaker model', () => {
  const checkpoint = (step: number): string =>
    join(runFolder(join(runs, 'one')).checkpoints, `000000${step}.safetensors`);
  const draw = async (out: string, more: Partial<SampleRequest>): Promise<Buffer> =>
    readFileSync((await sampleRun(request(out, { class: '2', ...more }), listener())).out);

  it('guides in place of the null class: of equal weights it changes nothing, of others it does', async () => {
    const model = checkpoint(2);
    const sample = { guidance: 1000 };
    const plain = await draw('strong.png', { model });
    expect(await draw('same.png', { model, sample, weak: model })).toEqual(plain);
    expect(await draw('weak.png', { model, sample, weak: checkpoint(1) })).not.toEqual(plain);
  });
});

describe('sampleRun', () => {
  it('draws a row of every class from the newest checkpoint', async () => {
    const result = await sampleRun(request('all.png'), listener());
    expect(result).toMatchObject({ step: 2, images: 18, source: expect.stringContaining('0000002') });
    expect(result.classes).toContain('Food & Drink');
    const { height } = await sharp(result.out).metadata();
    expect(height).toBe(2 + 9 * (128 + 2));
  });

  it('draws the same for the same seed and other images for another', async () => {
    const images = [];
    for (const [out, seed] of [
      ['a.png', 1],
      ['b.png', 1],
      ['c.png', 2],
    ] as const) {
      await sampleRun(request(out, { class: '3', seed }), listener());
      images.push(readFileSync(join(runs, out)));
    }
    expect(images[0]).toEqual(images[1]);
    expect(images[0]).not.toEqual(images[2]);
  });

  it('takes the path of a run or of a checkpoint, and other sampler numbers', async () => {
    const checkpoint = join(runFolder(join(runs, 'one')).checkpoints, '0000001.safetensors');
    const sampler = { sampler: 'heun', steps: 3, guidance: 2 } as const;
    const other = { class: 'flags', sample: sampler };
    expect(await sampleRun(request('d.png', { model: checkpoint, ...other }), listener())).toMatchObject({
      step: 1,
      classes: ['Flags'],
    });
    expect(
      await sampleRun(request('e.png', { model: join(runs, 'one'), class: '0' }), listener()),
    ).toMatchObject({
      step: 2,
    });
  });

  it('passes over a corrupt checkpoint and says so', async () => {
    const { checkpoints } = runFolder(join(runs, 'one'));
    writeFileSync(join(checkpoints, '0000009.safetensors'), 'torn');
    const reporter = listener();
    expect((await sampleRun(request('f.png', { class: '0' }), reporter)).step).toBe(2);
    expect(reporter.warned.join('\n')).toContain('0000009.safetensors');
  });

  it('draws the classes of the configuration where none is named, and says which', async () => {
    const { class: _, n: __, ...unasked } = request('h.png');
    const reporter = listener();
    expect(await sampleRun(unasked, reporter)).toMatchObject({ images: 72 });
    expect(reporter.said.join('\n')).toMatch(/Drawing 8 images of 9 classes: 0 \("Activities"\), 1 /);
    expect(reporter.said.join('\n')).toMatch(
      /9 classes: Activities 2, Animals & Nature 2, .*Travel & Places 2\./,
    );
    const one = listener();
    await sampleRun(request('i.png', { class: '4' }), one);
    expect(one.said.at(-1)).toBe('Drawing 2 images of class 4 ("Objects").');
  });

  it.each(['.jpg', '.JPEG', '.webp', '.png', ''])('writes the picture as "%s" says', async (extension) => {
    const { out } = await sampleRun(request(`format${extension}`, { class: '0' }), listener());
    const { format } = await sharp(out).metadata();
    expect(format).toBe({ '.jpg': 'jpeg', '.JPEG': 'jpeg', '.webp': 'webp' }[extension] ?? 'png');
  });

  it('refuses a picture that it cannot write before it looks for the model', async () => {
    await expect(sampleRun(request('grid.gif', { model: 'two' }), listener())).rejects.toThrow(
      'grid.gif ends in ".gif", wanted a picture as .png, .jpg, .jpeg, .webp.',
    );
  });

  it('says where it looked for a run', async () => {
    await expect(sampleRun(request('g.png', { model: 'two' }), listener())).rejects.toThrow(
      `There is no run with checkpoints at two or ${join(runs, 'two')}`,
    );
  });
});
