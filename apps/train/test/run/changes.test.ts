/** A run that goes on with another recipe, from its newest checkpoint or an earlier one. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { createEngine, readTensors } from '@ahpa/engine';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrainConfig } from '../../src/config/types.ts';
import { readRuns } from '../../src/experiments/read-runs.ts';
import { reportPage } from '../../src/experiments/report-page.ts';
import { exportToHub } from '../../src/export/export.ts';
import { runFolder } from '../../src/records/folder.ts';
import { readStats } from '../../src/records/stats.ts';
import { prepare } from '../../src/run/prepare.ts';
import { type Continuation, startState } from '../../src/run/start.ts';
import { type TrainSummary, train } from '../../src/run/train.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const seen: number[] = [];
vi.mock('../../src/run/batches.ts', async (original) => {
  const actual = await original<typeof import('../../src/run/batches.ts')>();
  const inParts: typeof actual.inParts = (rows, ...rest) => {
    seen.push(...rows);
    return actual.inParts(rows, ...rest);
  };
  return { ...actual, inParts };
});

const home = temporary();
let vae = '';
beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(home, 'cache');
  vae = await writeTinyVae(home);
});
beforeEach(() => {
  seen.length = 0;
});

const KEEP = [
  'train.keepLast=9',
  'train.checkpointEvery=2',
  'train.sampleEvery=2',
  'sample.classes=1',
  'sample.perClass=1',
  'sample.steps=1',
];
const config = (...set: string[]): TrainConfig => tinyConfig(vae, [...KEEP, ...set]);
const folder = (name: string): ReturnType<typeof runFolder> => runFolder(join(home, name));
const start = (
  name: string,
  chosen: TrainConfig,
  how: Continuation = { named: [] },
  reporter = listener(),
): Promise<TrainSummary> => train(chosen, folder(name), reporter, uninterrupted, how);
const path = (name: string, step: number): string =>
  join(folder(name).checkpoints, `000000${step}.safetensors`);
const tensors = async (file: string, keep = /./): Promise<Record<string, string>> => {
  const entries = Object.entries((await loadCheckpoint(file)).tensors).filter(([key]) => keep.test(key));
  return Object.fromEntries(entries.map(([key, { data }]) => [key, Buffer.from(data).toString('base64')]));
};
const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

describe('another batch', () => {
  it('goes on with the images that follow, each once an epoch', async () => {
    await start('undisturbed', config('train.steps=12'));
    const wanted = [...seen];
    seen.length = 0;
    await start('batch', config('train.steps=4'));
    await start('batch', config('train.steps=6', 'train.batch=8'), { named: ['train.batch'] });
    await start('batch', config('train.steps=8', 'train.batch=8'));
    expect(wanted).toHaveLength(48);
    expect(seen).toEqual(wanted);
    const count = new Set(wanted).size;
    expect(new Set(seen.slice(0, count)).size).toBe(count);
    expect(new Set(seen.slice(count, 2 * count)).size).toBe(count);
    const rows = await readStats(folder('batch').stats);
    expect(rows.map(({ images }) => images)).toEqual([4, 8, 12, 16, 24, 32, 40, 48]);
  });

  it('and back again, half of it and in parts', async () => {
    await start('twice', config('train.steps=2'));
    await start('twice', config('train.steps=3', 'train.batch=6', 'train.accumulate=3'), {
      named: ['train.batch', 'train.accumulate'],
    });
    await start('twice', config('train.steps=6', 'train.batch=2'), {
      named: ['train.batch', 'train.accumulate'],
    });
    const once = [...seen];
    seen.length = 0;
    await start('plain', config('train.steps=5'));
    expect(once).toEqual(seen);
    expect(json(folder('twice').changes)).toEqual([
      { step: 2, key: 'train.batch', from: 4, to: 6 },
      { step: 2, key: 'train.accumulate', from: 1, to: 3 },
      { step: 3, key: 'train.batch', from: 6, to: 2 },
      { step: 3, key: 'train.accumulate', from: 3, to: 1 },
    ]);
  });
});

describe('another learning rate', () => {
  it('keeps the moments: the next are those of the undisturbed run, and the weights are not', async () => {
    await start('same', config('train.steps=3', 'train.checkpointEvery=1'));
    await start('rate', config('train.steps=2'));
    const changed = config('train.steps=3', 'optim.learningRate=0.1');
    const reporter = listener();
    await start('rate', changed, { named: ['optim.learningRate'] }, reporter);
    expect(reporter.said.join('\n')).toContain('From here on: optim.learningRate 0.0002 -> 0.1.');
    expect(await tensors(path('rate', 3), /^moments/)).toEqual(await tensors(path('same', 3), /^moments/));
    const [got, other] = await Promise.all(['rate', 'same'].map((name) => tensors(path(name, 3), /^params/)));
    expect(got).not.toEqual(other);
  });
});

describe('a state', () => {
  it('is taken up bit for bit, whatever of the recipe changes', async () => {
    await start('taken', config('train.steps=2'));
    const set = ['train.batch=8', 'train.precision=bfloat16', 'optim.schedule={"kind":"cosine","until":9}'];
    const chosen = config(...set, 'optim.weightDecay=0.1', 'alignment.weight=2');
    const named = ['train', 'optim', 'alignment.weight'];
    const parts = await prepare(chosen, await createEngine(chosen.train), listener());
    const { state, changes } = await startState(chosen, folder('taken'), parts, { named }, listener());
    const held = Object.entries(await readTensors(state)).map(([key, { data }]) => [
      key,
      Buffer.from(data).toString('base64'),
    ]);
    expect(Object.fromEntries(held)).toEqual(await tensors(path('taken', 2)));
    expect(changes.map(({ key }) => key)).toContain('optim.schedule.until');
  });
});

describe('an earlier checkpoint', () => {
  it('continues bit for bit, and keeps what was later', async () => {
    await start('back', config('train.steps=6'));
    const before = await tensors(path('back', 6));
    const files = [
      'checkpoints/0000004.safetensors',
      'checkpoints/0000006.safetensors',
      'samples/0000006.png',
    ];
    const hashes = (within: string): string[] =>
      files.map((file) =>
        createHash('sha256')
          .update(readFileSync(join(within, file)))
          .digest('hex'),
      );
    const were = hashes(folder('back').root);
    const reporter = listener();
    await start('back', config('train.steps=6'), { named: [], at: 2 }, reporter);
    expect(await tensors(path('back', 6))).toEqual(before);
    const aside = join(home, 'back/set-aside/after-0000002');
    expect(reporter.said).toContain(
      `What ${folder('back').root} had of later steps (checkpoints 4, 6) is kept in ${aside}.`,
    );
    expect(hashes(aside)).toEqual(were);
    expect((await readStats(join(aside, 'stats.jsonl'))).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await readStats(folder('back').stats)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('from before a change counts the images of its own past', async () => {
    await start('fork', config('train.steps=4'));
    await start('fork', config('train.steps=6', 'train.batch=8'), { named: ['train.batch'] });
    seen.length = 0;
    await start('fork', config('train.steps=4', 'train.batch=2'), { named: ['train.batch'], at: 2 });
    expect(json(folder('fork').changes)).toEqual([{ step: 2, key: 'train.batch', from: 4, to: 2 }]);
    const rows = await readStats(folder('fork').stats);
    expect(rows.map(({ images }) => images)).toEqual([4, 8, 10, 12]);
    expect(json(join(home, 'fork/set-aside/after-0000002/changes.json'))).toEqual([
      { step: 4, key: 'train.batch', from: 4, to: 8 },
    ]);
    const old = join(home, 'fork/set-aside/after-0000002/samples');
    expect([readdirSync(old), readdirSync(folder('fork').samples)]).toEqual([
      ['0000004.png', '0000006.png'],
      ['0000002.png', '0000004.png'],
    ]);
  });

  it('that is missing is refused with those that there are', async () => {
    await expect(start('back', config('train.steps=6'), { named: [], at: 3 })).rejects.toThrow(
      'back has no checkpoint of step 3: the steps that it has are 2, 4, 6.',
    );
  });
});

describe('what may not change', () => {
  it.each([
    ['model.qkNorm=true', 'model.qkNorm', 'the shape of the model depends on it'],
    ['data.perClass=3', 'data.perClass', 'the images and their order depend on it'],
    ['alignment.kind=none', 'alignment', 'the structure of the alignment and its state depend on it'],
    ['ema.decay=0.5', 'ema.decay', 'the averages would not be what their names say'],
    ['train.seed=1', 'train.seed', 'the order of the data and the noise go on from it'],
    ['optim.muon={}', 'optim.muon', 'the state of the optimizer has another form with it'],
  ])('%s is refused by name with the reason', async (assignment, key, reason) => {
    await start('fixed', config('train.steps=1'));
    const changed = start('fixed', config('train.steps=2', assignment), { named: [key] });
    await expect(changed).rejects.toThrow(new RegExp(`was started with ${key}.*, and not .*${reason}`));
  });

  it('is compared with the configuration after the last change', async () => {
    await start('last', config('train.steps=2'));
    await start('last', config('train.steps=3', 'train.batch=8'), { named: ['train.batch'] });
    await expect(start('last', config('train.steps=4'))).rejects.toThrow(
      'last has trained since step 2 with train.batch 8, and not 4: choose another --name, or change it from here on with --change train.batch=4.',
    );
    await start('last', config('train.steps=4', 'train.batch=8'));
  });
});

describe('changes', () => {
  it('are in the report and in the card of the model', async () => {
    await start('shown', config('train.steps=2'));
    await start('shown', config('train.steps=4', 'train.batch=8'), { named: ['train.batch'] });
    const page = await reportPage(await readRuns([folder('shown').root]), { command: 'x' });
    expect(page).toContain('<td>shown</td><td>2</td><td>train.batch 4 -&gt; 8</td>');
    await exportToHub(join(home, 'hub'), { model: 'shown', runs: home }, listener());
    const card = readFileSync(join(home, 'hub/README.md'), 'utf8');
    expect(card).toContain('| From step 2 on | train.batch 4 -> 8 |');
    await exportToHub(join(home, 'hub-2'), { model: 'shown', runs: home, at: 2 }, listener());
    expect(readFileSync(join(home, 'hub-2/README.md'), 'utf8')).not.toContain('From step');
  });
});

describe('a longer run', () => {
  const said = async (name: string, steps: number, ...set: string[]): Promise<string> => {
    await start(name, config('train.steps=2', ...set));
    const reporter = listener();
    const named = ['train.steps', 'optim.schedule'];
    await start(name, config(`train.steps=${steps}`, ...set), { named }, reporter);
    return reporter.said.join('\n');
  };

  it('says what its learning rate does', async () => {
    expect(await said('long', 3)).toContain('longer now, 3 steps: the learning rate stays 0.0002.');
    expect(await said('cosine', 3, 'optim.schedule={"kind":"cosine","until":2}')).toContain(
      'the cosine decay ends at step 2, and the learning rate is 0 from there on; --change optim.schedule.until=3',
    );
    expect(await said('line', 3, 'optim.schedule={"kind":"linear","until":5}')).toContain(
      'the linear decay of the learning rate goes on, to 0 at step 5.',
    );
    expect(json(folder('long').changes)).toEqual([{ step: 2, key: 'train.steps', from: 2, to: 3 }]);
    expect((await readStats(folder('cosine').stats)).at(-1)?.learningRate).toBe(0);
  });
});

describe('a run that diverges', () => {
  it('names the command that goes on from its last good checkpoint, which it does', async () => {
    await start('wild', config('train.steps=2', 'alignment.kind=none'));
    const wild = config(
      'train.steps=20',
      'train.reportEvery=8',
      'train.checkpointEvery=20',
      'train.sampleEvery=20',
      'alignment.kind=none',
      'optim.learningRate=1e30',
    );
    const reporter = listener();
    const broken = start('wild', wild, { named: ['optim.learningRate'] }, reporter);
    await expect(broken).rejects.toThrow(/had a loss or gradient that is not finite/);
    const line = reporter.warned.at(-1) as string;
    expect(line).toMatch(/: ahpa train --run .*wild --at 2 --change optim\.learningRate=5e\+29$/);
    const tame = config('train.steps=4', 'alignment.kind=none');
    await start('wild', tame, { named: ['optim.learningRate'], at: 2 });
    expect((await readStats(folder('wild').stats)).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    expect(readdirSync(folder('wild').broken)).toEqual([]);
    expect(existsSync(join(home, 'wild/set-aside/after-0000002/broken'))).toBe(true);
    expect(existsSync(folder('wild').changes) && json(folder('wild').changes)).toEqual([]);
  });
});
