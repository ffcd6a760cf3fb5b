import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AlignmentSpec } from '@ahpa/ports';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Registry, startRegistry } from '../../../../scripts/registry.mjs';
import { loadConfig } from '../../src/config/load.ts';
import { scaffoldVariant } from '../../src/experiments/variant.ts';
import { inPackage } from '../../src/files/package-folder.ts';
import { loadAlignment } from '../../src/models/alignment.ts';
import { tinyAssignments } from '../tiny.ts';

const run = promisify(execFile);
const home = temporary();
const NAME = '@lab/ahpa-even';
process.env['AHPA_CACHE'] = join(home, 'cache');

describe('a variant package', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry(home);
  });
  afterAll(() => registry.close());

  it('is written, published, installed by a stranger, and trained from', async () => {
    const folder = await scaffoldVariant(NAME, join(home, 'even'));
    const { npmrc } = registry;
    writeFileSync(join(folder, '.npmrc'), npmrc);
    await run('npm', ['publish', '--access', 'public'], { cwd: folder });

    const stranger = join(home, 'stranger');
    mkdirSync(stranger);
    writeFileSync(join(stranger, '.npmrc'), npmrc);
    writeFileSync(join(stranger, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--no-audit', NAME], { cwd: stranger });
    const set = [...tinyAssignments(await writeTinyVae(home)), 'train.steps=2', 'train.sampleEvery=2'];
    const line = ['train', '--config', 'tiny', '--variant', NAME, '--name', 'run', '--set', ...set];
    await run(process.execPath, [inPackage('dist/main.mjs'), ...line], { cwd: stranger });

    const rows = readFileSync(join(stranger, 'runs/run/stats.jsonl'), 'utf8').trim().split('\n');
    expect(rows.map((row) => JSON.parse(row).step)).toEqual([1, 2]);
    expect(Object.keys(JSON.parse(rows[1] as string))).toContain('group.coarse');
    const config = JSON.parse(readFileSync(join(stranger, 'runs/run/config.json'), 'utf8'));
    expect(config.alignment.module).toBe(join(stranger, 'node_modules', NAME, 'alignment.mjs'));
  }, 120_000);

  it('is refused under a bad name, over another folder, or without a configuration', async () => {
    await expect(scaffoldVariant('Not A Name')).rejects.toThrow('is no name for a package');
    await expect(scaffoldVariant(NAME, home)).rejects.toThrow('name another folder');
    expect(() => loadConfig({ names: ['no-such-variant'], set: [] })).toThrow('no package of that name');
    expect(() => loadConfig({ names: ['vitest'], set: [] })).toThrow('is of no variant');
  });
});

describe('a module', () => {
  const config = (module: string) =>
    loadConfig({ names: ['tiny'], set: ['alignment.kind=module', `alignment.module=${module}`] }).alignment;
  const context: AlignmentSpec = {
    hiddenSize: 8,
    tokens: 16,
    patchSize: 1,
    latentWidth: 4,
    encoderDepth: 1,
    path: 'linear',
    seed: 0,
    groups: [{ name: 'fine', width: 4, tokens: 16 }],
  };

  it('is found from the folder of its configuration', () => {
    const example = inPackage('../../examples/swap-a-loss/config.json');
    const { alignment } = loadConfig({ names: ['tiny', example], set: [] });
    expect(alignment).toMatchObject({
      module: inPackage('../../examples/swap-a-loss/own-loss.mjs'),
      weight: 0.1,
    });
  });

  it('trains: the loss of the example falls', async () => {
    const example = inPackage('../../examples/swap-a-loss/config.json');
    const set = [...tinyAssignments(await writeTinyVae(home)), 'train.steps=40', 'train.sampleEvery=40'];
    const line = [
      'train',
      '--config',
      'tiny',
      example,
      '--name',
      'own',
      '--set',
      ...set,
      'optim.learningRate=0.01',
    ];
    await run(process.execPath, [inPackage('dist/main.mjs'), ...line], { cwd: home });
    const rows = readFileSync(join(home, 'runs/own/stats.jsonl'), 'utf8').trim().split('\n');
    const losses = rows.map((row) => JSON.parse(row).alignment as number);
    const mean = (part: number[]): number => part.reduce((sum, loss) => sum + loss, 0) / part.length;
    expect(mean(losses.slice(-5))).toBeLessThan(0.9 * mean(losses.slice(0, 5)));
  }, 120_000);

  it('is loaded only where a command line named it as it is, and never from an address', async () => {
    const module = join(home, 'hostile.mjs');
    const loaded = join(home, 'loaded');
    const source = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(loaded)}, '');\n`;
    writeFileSync(module, source);
    const stored = join(home, 'stored.json');
    writeFileSync(stored, JSON.stringify({ alignment: { kind: 'module', module } }));
    const from = (...names: string[]) => loadConfig({ names: ['tiny', ...names], set: [] }).alignment;
    await expect(loadAlignment(from(stored), context)).rejects.toThrow(
      /is named by a file alone.*--module PATH/,
    );
    const address = `data:text/javascript,${encodeURIComponent(source)}`;
    const hidden = { ...config(module), module: address };
    await expect(loadAlignment(hidden, context)).rejects.toThrow('is named by a file alone');
    expect(() => config(address)).toThrow('There is no package');
    const { stderr } = await run(process.execPath, [
      inPackage('dist/main.mjs'),
      ...['plan', '--no-trial', '--config', 'tiny', '--set', ...tinyAssignments(await writeTinyVae(home))],
      `alignment={"kind":"module","module":${JSON.stringify(address)}}`,
    ]).catch((error: { stderr: string }) => error);
    expect(stderr).toContain('There is no package');
    writeFileSync(module, `${source}//`); // changed since it was named
    await expect(loadAlignment(from(stored), context)).rejects.toThrow('has changed since');
    expect(existsSync(loaded)).toBe(false);
    config(module);
    await expect(loadAlignment(from(stored), context)).rejects.toThrow('exports undefined');
    expect(existsSync(loaded)).toBe(true);
  });

  it('must be there and export a function', async () => {
    await expect(loadAlignment(config('./nowhere.mjs'), context)).rejects.toThrow(
      'nowhere.mjs cannot be loaded',
    );
    const empty = join(home, 'empty.mjs');
    writeFileSync(empty, 'export const loss = 1;\n');
    await expect(loadAlignment(config(empty), context)).rejects.toThrow(
      'exports undefined by default, wanted a function',
    );
    expect(() => config('no-such-package')).toThrow('There is no package "no-such-package"');
  });
});
