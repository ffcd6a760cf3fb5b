import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint, saveCheckpoint } from '@ahpa/checkpoint';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { replay } from '../../src/run/broken.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const home = temporary();
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(home, 'cache');
  vae = await writeTinyVae(home);
});

describe('a run whose numbers break', () => {
  it('stops with a dump that takes the broken step again, and saves nothing broken', async () => {
    const folder = runFolder(join(home, 'wild'));
    const every = ['train.reportEvery=4', 'train.checkpointEvery=20', 'train.sampleEvery=20'];
    const reporter = listener();
    const set = ['optim.learningRate=1e30', 'alignment.kind=none', 'train.steps=20'];
    const chosen = tinyConfig(vae, [...set, ...every]);
    await expect(train(chosen, folder, reporter, uninterrupted)).rejects.toThrow(
      /the 7 consecutive steps after step 1 had a loss or gradient that is not finite/,
    );
    const path = join(folder.broken, '0000001.safetensors');
    expect(reporter.warned.join()).toContain(`ahpa replay ${path}`);
    expect(existsSync(folder.checkpoints)).toBe(false);
    expect(existsSync(folder.lock)).toBe(false);
    expect((await readStats(folder.stats)).map(({ step }) => step)).toEqual([4, 8]);

    const { tensors, meta } = await loadCheckpoint(path);
    const counters = ['step', 'skipped', 'skippedInARow'].map((name) => tensors[name]?.data[0]);
    expect(counters).toEqual([1, 0, 0]);
    const said = await replay(path, reporter);
    expect(said).toMatchObject({ step: 1, skipped: 7, reproduced: true });
    expect(said.loss).not.toBeLessThan(Number.MAX_VALUE);
    expect(meta['breakage']).toMatchObject({ batch: said.batch });
    expect(readdirSync(folder.broken)).toEqual(['0000001.safetensors']);
    expect(said.batch).toHaveLength(chosen.train.batch);
  });

  it('refuses to take a sound checkpoint for a dump', async () => {
    const path = await saveCheckpoint(join(home, 'sound'), 1, {}, {});
    await expect(replay(path, listener())).rejects.toThrow(/is no dump of a broken step/);
  });
});
