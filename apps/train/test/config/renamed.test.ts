import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { differences } from '../../src/config/changes.ts';
import { configMarkdown } from '../../src/config/document.ts';
import { loadConfig } from '../../src/config/load.ts';
import { parseTrainConfig } from '../../src/config/parse.ts';
import { withoutRepeats } from '../../src/config/rename-keys.ts';
import type { RenamedKey } from '../../src/config/renamed.ts';
import { claimFolder, readRunConfig, runFolder } from '../../src/records/folder.ts';
import { listener } from '../tiny.ts';

vi.mock('../../src/config/renamed.ts', () => ({
  RENAMED: [
    { oldPath: 'optim.lr', newPath: 'optim.learningRate' },
    {
      oldPath: 'times.law',
      newPath: 'time.sampling',
      convert: (law: unknown) => (law === 'normal' ? 'lognormal' : law),
    },
    { oldPath: 'times', newPath: 'time' },
  ],
}));

const home = mkdtempSync(join(tmpdir(), 'ahpa-renamed-'));
const json = (name: string, content: unknown): string => {
  const path = join(home, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

const OLD = { optim: { lr: 3 }, times: { law: 'normal', mean: 0.8 } };
const NEW = { optim: { learningRate: 3 }, time: { sampling: 'lognormal', mean: 0.8 } };

describe('old names of keys', () => {
  it('are read in files and assignments, and reported once each', () => {
    const warn = vi.fn();
    const child = json('child.json', { extends: json('parent.json', OLD), optim: { lr: 4, warmup: 1 } });
    const config = loadConfig({ names: [child], set: ['times.std=2', 'optim.lr=5'] }, warn);
    expect(config).toEqual(
      parseTrainConfig({
        ...NEW,
        description: config.description,
        optim: { learningRate: 5, warmup: 1 },
        time: { ...NEW.time, std: 2 },
      }),
    );
    expect(warn.mock.calls.flat().sort()).toEqual([
      'optim.lr is now optim.learningRate; the old name is still read.',
      'times is now time; the old name is still read.',
      'times.law is now time.sampling; the old name is still read.',
    ]);
  });

  it('win and lose by layer, as present names do', () => {
    const path = json('present.json', { optim: { learningRate: 1 } });
    expect(loadConfig({ names: [path], set: ['optim.lr=2'] }).optim.learningRate).toBe(2);
    const old = json('old.json', { optim: { lr: 1 } });
    expect(loadConfig({ names: [old], set: ['optim.learningRate=2'] }).optim.learningRate).toBe(2);
  });

  it('are refused beside the present one in the same layer', () => {
    expect(() => loadConfig({ names: [], set: ['optim.lr=1', 'optim.learningRate=2'] })).toThrow(
      'optim.lr is the old name of optim.learningRate, and the configuration has both: leave optim.lr out.',
    );
    expect(() => parseTrainConfig({ times: { mean: 1 }, time: { mean: 1 } })).toThrow('leave times out');
    expect(parseTrainConfig({ times: { mean: 1 }, time: { std: 2 } }).time).toMatchObject({
      mean: 1,
      std: 2,
    });
  });

  it('are not reported where there are none, and values are checked under the present name', () => {
    const warn = vi.fn();
    loadConfig({ names: ['tiny'], set: ['optim.learningRate=2'] }, warn);
    expect(warn).not.toHaveBeenCalled();
    expect(() => parseTrainConfig({ optim: { lr: 'x' } })).toThrow(
      'optim.learningRate: wanted number, got "x"',
    );
  });

  it('are read silently in stored configurations, which stay those of the same run', async () => {
    const folder = runFolder(home);
    json('config.json', OLD);
    const config = parseTrainConfig(NEW);
    json('stats.jsonl', { step: 1 });
    expect(differences((await readRunConfig(folder)) as typeof config, config)).toEqual([]);
    const reporter = listener();
    const lock = await claimFolder(folder, config, [], reporter);
    await lock.release();
    expect(reporter.warned).toEqual([]);
    await expect(claimFolder(folder, parseTrainConfig({ times: { mean: 1 } }), [], reporter)).rejects.toThrow(
      'was started with time.sampling "lognormal", and not "uniform"',
    );
  });
});

describe('withoutRepeats', () => {
  it('passes each line on once', () => {
    const warn = vi.fn();
    const once = withoutRepeats(warn);
    for (const line of ['a', 'b', 'a']) once(line);
    expect(warn.mock.calls.flat()).toEqual(['a', 'b']);
  });
});

describe('the table', () => {
  it('leads from names that no key has to names that one has', async () => {
    const { RENAMED } = await vi.importActual<{ RENAMED: readonly RenamedKey[] }>(
      '../../src/config/renamed.ts',
    );
    const keys = new Set([...configMarkdown().matchAll(/(?<=^ *- `|^## )[\w.]+/gm)].map(([path]) => path));
    expect(RENAMED.filter(({ oldPath }) => keys.has(oldPath))).toEqual([]);
    expect(RENAMED.filter(({ newPath }) => !keys.has(newPath))).toEqual([]);
    expect(keys).toContain('optim.learningRate');
    expect(keys).toContain('time');
  });
});
