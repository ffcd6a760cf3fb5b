/** `ahpa train` of a run that exists: its own configuration, changes, a longer run, an earlier checkpoint. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../src/program.ts';
import { tinyAssignments } from '../tiny.ts';

const runs = temporary();
const root = join(runs, 'one');
let set: string[] = [];

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(runs, 'cache');
  const few = ['train.steps=2', 'train.checkpointEvery=1', 'train.keepLast=9', 'sample.steps=1'];
  set = [...tinyAssignments(await writeTinyVae(runs)), ...few];
});

/** What a command line writes, to both streams. */
async function train(...line: string[]): Promise<string> {
  let written = '';
  const hear = (text: unknown): boolean => {
    written += String(text);
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(hear),
  );
  await createProgram().parseAsync(['train', '--runs', runs, ...line], { from: 'user' });
  for (const spy of spies) spy.mockRestore();
  process.exitCode = 0;
  return written;
}

const recorded = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));

describe('ahpa train', () => {
  it('refuses the options of an existing run where there is none', async () => {
    const line = ['--config', 'tiny', '--name', 'one', '--set', ...set];
    expect(await train(...line, '--change', 'train.batch=8')).toContain('There is no run at');
    expect(await train(...line, '--at', '1')).toContain('which --at is for: use --set for a new one');
    expect(await train('--run', 'one')).toMatch(/There is no run at one or .*one: name another --run/);
    expect(existsSync(root)).toBe(false);
  });

  it('continues a run with its own configuration, and changes it where that is asked for', async () => {
    expect(await train('--config', 'tiny', '--name', 'one', '--set', ...set)).toContain('Done after 2 steps');
    expect(
      await train('--run', 'one', '--change', 'train.batch=8', 'optim.learningRate=1e-3', '--steps', '3'),
    ).toMatch(
      /From here on: .*train\.batch 4 -> 8.*The run is longer now, 3 steps: the learning rate stays 0\.001\..*Done after 3/s,
    );
    expect(recorded('config.json')).toMatchObject({
      optim: { learningRate: 0.001 },
      train: { batch: 8, steps: 3, backend: 'cpu' },
    });
    const keys = (recorded('changes.json') as { key: string }[]).map(({ key }) => key);
    expect(keys.sort()).toEqual(['optim.learningRate', 'train.batch', 'train.steps']);
    const again = await train('--run', root, '--change', 'train.batch=8');
    expect(again).not.toContain('From here on');
    expect(again).toContain('Done after 3 steps');
  });

  it('refuses another configuration than the last one, with what to type', async () => {
    expect(await train('--config', 'tiny', '--name', 'one', '--set', ...set)).toMatch(
      /has trained since step 2 with .*: choose another --name, or change it from here on with --change /,
    );
    expect(await train('--run', 'one', '--change', 'model.qkNorm=true')).toContain(
      'choose another --name, or keep it, since the shape of the model depends on it',
    );
    expect(await train('--run', 'one', '--set', 'train.batch=2')).toContain('--change train.batch=2');
    expect(await train('--run', 'one', '--change', 'train.bacth=2')).toContain('the nearest is "batch"');
    expect(await train('--run', 'one', '--name', 'two')).toContain('Both --run and --name were given');
  });

  it('goes back to a step', async () => {
    expect(await train('--run', 'one', '--at', '9')).toContain('the steps that it has are 1, 2, 3');
    expect(await train('--run', 'one', '--at', '1', '--change', 'train.batch=4')).toMatch(
      /of later steps \(checkpoints 2, 3\) is kept in .*set-aside\/after-0000001/,
    );
    const changes = recorded('changes.json') as { key: string; step: number }[];
    expect(changes.map(({ key, step }) => `${key} ${step}`)).toEqual(['optim.learningRate 1']);
  });
});
