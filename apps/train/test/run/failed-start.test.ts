/** A start that fails before its first step leaves nothing behind, and its name can be used again. */
import { existsSync, mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { runFolder } from '../../src/records/folder.ts';
import { listRuns } from '../../src/records/runs.ts';
import { train } from '../../src/run/train.ts';
import { abortAfter, listener, tinyConfig, uninterrupted } from '../tiny.ts';

const disk = vi.hoisted(() => ({ full: false }));
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  const full = { bavail: 1, bsize: 1 };
  const statfs = async (path: string): Promise<unknown> => (disk.full ? full : statfsSync(path));
  return { ...actual, statfs, default: { ...actual, statfs } };
});

const home = temporary();
const runs = join(home, 'runs');
const folder = runFolder(join(runs, 'one'));
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(home, 'cache');
  vae = await writeTinyVae(home);
  mkdirSync(runs);
});

const start = (set: readonly string[], signal = new AbortController().signal) =>
  train(tinyConfig(vae, ['train.sampleEvery=99', ...set]), folder, listener(), () => uninterrupted(signal));

/** The path of a module of an alignment with this body. */
function moduleOf(name: string, body: string): string {
  const path = join(home, `${name}.mjs`);
  writeFileSync(path, body);
  return `alignment=${JSON.stringify({ kind: 'module', module: path })}`;
}

async function expectNothing(): Promise<void> {
  expect(existsSync(folder.root)).toBe(false);
  expect(await listRuns(runs)).toEqual([]);
}

describe('a start that fails', () => {
  it.each([
    ['without its VAE', () => [`vae.path=${join(home, 'nowhere')}`], /The VAE has no/],
    [
      'without its teacher',
      () => [`alignment=${JSON.stringify({ kind: 'repa', teacher: { kind: 'file', path: 'no.npz' } })}`],
      /alignment\.teacher\.path/,
    ],
    ['without the weights it starts from', () => ['model.init={"path":"/no/weights.pt"}'], /no\/weights/],
    ['on a module that is no module', () => [moduleOf('bad', 'export default {')], /bad\.mjs/],
    ['on a module that is no alignment', () => [moduleOf('none', 'export default 3;')], /none\.mjs/],
    ['on a batch larger than the data', () => ['train.batch=400'], /train\.batch is 400/],
  ])('%s leaves nothing', async (_, set, problem) => {
    await expect(start(set())).rejects.toThrow(problem);
    await expectNothing();
  });

  it('without its cache leaves nothing', async () => {
    const set = [`vae=${JSON.stringify({ kind: 'file', path: vae })}`, 'train.backend=cpu'];
    const data = 'data={"kind":"cache","path":"/no/cache"}';
    const config = loadConfig({ names: ['tiny'], set: [...set, data] });
    await expect(train(config, folder, listener(), uninterrupted)).rejects.toThrow(/no\/cache/);
    await expectNothing();
  });

  it('for want of space leaves nothing', async () => {
    disk.full = true;
    await expect(start([])).rejects.toThrow(/No space is left on the disk/);
    disk.full = false;
    await expectNothing();
  });

  it('by a signal before the first step leaves nothing', async () => {
    expect(await start([], abortAfter(0))).toMatchObject({ step: 0, complete: false });
    await expectNothing();
  });

  it('leaves the name to another configuration, also after a kill', async () => {
    mkdirSync(folder.root);
    writeFileSync(folder.config, JSON.stringify(tinyConfig(vae, ['optim.learningRate=7'])));
    await start(['train.steps=1']);
    expect(readdirSync(folder.checkpoints)).toEqual(['0000001.safetensors']);
    await expect(
      train(tinyConfig(vae, ['optim.learningRate=7']), folder, listener(), uninterrupted),
    ).rejects.toThrow('was started with optim.learningRate');
  });

  it('keeps what it did not make', async () => {
    const other = runFolder(join(runs, 'two'));
    mkdirSync(other.root);
    writeFileSync(join(other.root, 'notes.txt'), 'mine');
    const config = tinyConfig(vae, [`vae.path=${join(home, 'nowhere')}`]);
    await expect(train(config, other, listener(), uninterrupted)).rejects.toThrow(/The VAE/);
    expect(readdirSync(other.root)).toEqual(['notes.txt']);
  });
});
