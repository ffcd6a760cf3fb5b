import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { runExtract } from '../../src/run/extract-images.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyAssignments, uninterrupted } from '../tiny.ts';

const home = temporary();
const at = (name: string): string => join(home, name);
let vae = '';

const IMAGES = { kind: 'images', path: at('photos'), within: 'train', size: 16, threads: 0 };

/** Trains on `data`, an epoch of steps, as run `name`; resolves to the warnings and the number of steps. */
async function run(name: string, data: object, set: readonly string[] = []): Promise<[string[], number]> {
  const own = tinyAssignments(vae).filter((assignment) => !assignment.startsWith('data.'));
  const steps = ['train.steps=3', 'train.batch=4', 'train.checkpointEvery=3', 'train.sampleEvery=9'];
  const assignments = [...own, `data=${JSON.stringify(data)}`, ...steps, ...set];
  const reporter = listener();
  await train(
    loadConfig({ names: ['tiny'], set: assignments }),
    runFolder(at(name)),
    reporter,
    uninterrupted,
  );
  return [reporter.warned, (await readStats(runFolder(at(name)).stats)).length];
}

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(at('photos'));
  rmSync(join(at('photos'), 'val', 'cat'), { recursive: true });
  const torn = join(at('photos'), 'train', 'dog', '2.png');
  writeFileSync(torn, readFileSync(torn).subarray(0, 80));
});

describe('before the first step', () => {
  it('broken images are left out, and held-out images may lack a class', async () => {
    const data = { ...IMAGES, heldOut: 'val' };
    const [warned, steps] = await run('images', data, ['evaluate.lossEvery=3', 'evaluate.lossImages=2']);
    expect(warned).toContainEqual(expect.stringMatching(/^Left out dog\/2\.png: ./));
    expect(steps).toBe(3);
  });

  it.each([
    ['no held-out images', IMAGES, 'evaluate.lossEvery=3', /No images are held out/],
    [
      'too few to hold out',
      { ...IMAGES, holdOut: 0.01 },
      'evaluate.lossEvery=3',
      /there are none among so few/,
    ],
    ['no such held-out part', { ...IMAGES, heldOut: 'test' }, 'evaluate.lossEvery=3', /no files below test/],
    [
      'no pixels',
      { kind: 'cache', path: at('plain') },
      'evaluate.every=3',
      /plain has no pixels: extract it/,
    ],
    ['no network', IMAGES, ['evaluate.every=3', `evaluate.inception=${at('none.pb')}`], /none\.pb/],
  ])('%s are told, and no run is left', async (name, data, set, message) => {
    if (data.kind === 'cache') {
      const own = tinyAssignments(vae).filter((assignment) => !assignment.startsWith('data.'));
      const config = loadConfig({ names: ['tiny'], set: [...own, `data=${JSON.stringify(IMAGES)}`] });
      await runExtract(config, { out: at('plain'), threads: 0 }, listener(), uninterrupted);
    }
    await expect(run(name, data, [set].flat())).rejects.toThrow(message);
    expect(existsSync(at(name))).toBe(false);
  });
});
