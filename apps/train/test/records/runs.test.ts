import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveCheckpoint } from '@ahpa/checkpoint';
import { takeLock } from '@ahpa/file-lock';
import { temporary } from '@ahpa/test-utils';
import { describe, expect, it } from 'vitest';
import { runFolder } from '../../src/records/folder.ts';
import { listRuns } from '../../src/records/runs.ts';
import { tinyConfig } from '../tiny.ts';

const runs = temporary();
const config = JSON.stringify(tinyConfig('unused', ['train.steps=4']));

function makeRun(name: string, rows: readonly object[], text = config): ReturnType<typeof runFolder> {
  const folder = runFolder(join(runs, name));
  mkdirSync(folder.root);
  writeFileSync(folder.config, text);
  writeFileSync(folder.stats, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return folder;
}

const row = (step: number, denoising: number) => ({ step, images: 4 * step, seconds: step, denoising });

describe('listRuns', () => {
  it('tells complete, stopped, running and broken runs apart, with their best rows', async () => {
    const complete = makeRun('a-complete', [row(2, 0.5), row(3, 0.25), row(4, 0.75)]);
    await saveCheckpoint(complete.checkpoints, 4, {}, {});
    const stopped = makeRun('b-stopped', [row(2, 0.5)]);
    await saveCheckpoint(stopped.checkpoints, 2, {}, {});
    const running = makeRun('c-running', []);
    const lock = await takeLock(running.lock, () => undefined);
    const broken = makeRun('d-broken', [row(2, 0.5)]);
    await saveCheckpoint(broken.checkpoints, 1, {}, {});
    await saveCheckpoint(broken.broken, 2, {}, {});
    makeRun('e-torn', [], '{');
    mkdirSync(join(runs, 'no-run'));

    const list = await listRuns(runs);
    expect(list.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'a-complete complete',
      'b-stopped stopped',
      'c-running running',
      'd-broken broken',
      'e-torn broken',
    ]);
    expect(list[0]).toMatchObject({ saved: 4, steps: 4, step: 4, denoising: 0.75 });
    expect(list[0]?.best).toEqual({ step: 3, denoising: 0.25 });
    expect(list[2]?.note).toContain(`process ${process.pid} on `);
    expect(list[3]?.note).toMatch(/^not finite after step 2: ahpa replay .*0000002\.safetensors$/);
    expect(list[4]?.note).toMatch(/config\.json cannot be read/);
    await lock.release();
    expect((await listRuns(runs))[2]?.state).toBe('stopped');
    expect(await listRuns(join(runs, 'nowhere'))).toEqual([]);
  });
});
