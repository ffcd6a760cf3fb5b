import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectModelFile } from '@ahpa/sit-models';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { demoFolder } from '../../src/cli/demo.ts';
import { inPackage } from '../../src/files/package-folder.ts';
import { createProgram } from '../../src/program.ts';
import { runFolder } from '../../src/records/folder.ts';
import { listenForInterrupt } from '../../src/run/interrupt.ts';
import { listener, tinyAssignments, tinyConfig } from '../tiny.ts';

const home = temporary();
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(home, 'cache');
  vae = await writeTinyVae(home);
});

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number | string | undefined | null;
}

/** Runs a command line in this process and catches what it writes. */
async function ahpa(...line: string[]): Promise<Outcome> {
  const written = { out: '', err: '' };
  const catching = (key: 'out' | 'err') => (text: unknown) => {
    written[key] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(catching('err')),
  ];
  process.exitCode = 0;
  try {
    await createProgram().parseAsync(line, { from: 'user' });
    return { ...written, code: process.exitCode };
  } finally {
    process.exitCode = 0;
    for (const spy of spies) spy.mockRestore();
  }
}

describe('the command line', () => {
  it('knows its version', () => {
    const { version } = JSON.parse(readFileSync(inPackage('package.json'), 'utf8'));
    expect(createProgram().version()).toBe(version);
  });

  it('answers a bad configuration with one sentence and exit code 1', async () => {
    const { out, err, code } = await ahpa('train', '--config', 'tiny', '--set', 'optim.learningrate=1');
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toBe(
      'error: The configuration is not valid: optim: unknown key "learningrate", the nearest is "learningRate".\n',
    );
  });

  it('takes options of REPA for train, and refuses what it cannot mean', async () => {
    const set = ['--config', 'tiny', '--set', ...tinyAssignments(vae)];
    const flags = ['--batch-size', '2', '--max-train-steps=1', '--learning-rate', '0.5', '--no-fused-attn'];
    const { err, code } = await ahpa('train', ...set, ...flags);
    expect([err, code]).toEqual([
      'error: --fused-attn has no meaning here: the backend chooses how attention is computed.\n',
      1,
    ]);
    const place = ['--output_dir', join(home, 'exps'), '--exp_name', 'repa'];
    expect((await ahpa('train', ...set, ...flags.slice(0, -1), ...place)).code).toBe(0);
    const config = JSON.parse(readFileSync(join(home, 'exps', 'repa', 'config.json'), 'utf8'));
    expect(config.train).toMatchObject({ batch: 2, steps: 1 });
    expect(config.optim.learningRate).toBe(0.5);
  });

  it('adds the stack with --verbose', async () => {
    expect((await ahpa('config', '--config', 'dem', '--verbose')).err).toMatch(/nearest is "demo".*\n +at /);
  });

  it('prints one JSON document with --json, and messages on standard error', async () => {
    const line = ['train', '--config', 'tiny', '--json', '--runs', home, '--set', ...tinyAssignments(vae)];
    const { out, err, code } = await ahpa(...line, 'train.steps=1');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ run: join(home, 'tiny'), step: 1, complete: true });
    expect(err).toContain('Done after 1 steps');
    const sampled = await ahpa(
      'sample',
      '--run',
      'tiny',
      '--runs',
      home,
      '--out',
      join(home, 'g.png'),
      '--json',
    );
    expect(JSON.parse(sampled.out)).toMatchObject({ images: 72 });
  });

  it('shows what it would train without training', async () => {
    const { out } = await ahpa(
      'train',
      '--config',
      'tiny',
      '--dry-run',
      '--name',
      'untrained',
      '--runs',
      home,
      '--set',
      ...tinyAssignments(vae),
    );
    expect(out).toContain('parameters, 4 tokens an image');
    expect(() => readFileSync(join(home, 'untrained', 'config.json'))).toThrow('ENOENT');
  });

  it('prints the resolved configuration', async () => {
    const { out } = await ahpa('config', '--config', 'demo', '--set', 'train.seed=3');
    expect(JSON.parse(out)).toMatchObject({ alignment: { kind: 'ahpa' }, train: { seed: 3 } });
  });

  it('refuses a run name that is a path', async () => {
    expect((await ahpa('train', '--name', '../x')).err).toContain('--name is "../x", wanted letters');
  });
});

describe('inspect', () => {
  it('says what checkpoints, features and weights are', async () => {
    const { checkpoints } = runFolder(join(home, 'tiny'));
    const checkpoint = await inspectModelFile(join(checkpoints, '0000001.safetensors'));
    expect(checkpoint).toMatchObject({ kind: 'checkpoint', step: 1 });
    expect(checkpoint.values['ema']).toBe(checkpoint.values['params']);
    expect(checkpoint.metadata['classes']).toHaveLength(9);
    const weights = await inspectModelFile(join(vae, 'diffusion_pytorch_model.safetensors'));
    expect(weights).toMatchObject({ kind: 'weights', values: { encoder: expect.any(Number) } });
  });

  it('names a file that is none of these', async () => {
    const path = join(home, 'torn.safetensors');
    writeFileSync(path, 'torn');
    const { err, code } = await ahpa('inspect', path);
    expect([err.split('\n').length, code]).toEqual([2, 1]);
    expect(err).toContain(path);
  });
});

describe('demoFolder', () => {
  const config = tinyConfig('somewhere');
  const make = (name: string, steps: number, chosen = config): void => {
    const folder = runFolder(join(home, 'demos', name));
    mkdirSync(folder.checkpoints, { recursive: true });
    writeFileSync(folder.config, JSON.stringify(chosen));
    writeFileSync(join(folder.checkpoints, `${String(steps).padStart(7, '0')}.safetensors`), '');
  };
  const next = (): Promise<string> => demoFolder(join(home, 'demos'), config);

  it('continues an unfinished demo of the same configuration and numbers new ones', async () => {
    expect(await next()).toBe(join(home, 'demos', 'demo'));
    make('demo', 3);
    expect(await next()).toBe(join(home, 'demos', 'demo'));
    make('demo', 6);
    expect(await next()).toBe(join(home, 'demos', 'demo-2'));
    make('demo-2', 3, tinyConfig('elsewhere'));
    expect(await next()).toBe(join(home, 'demos', 'demo-3'));
  });
});

describe('listenForInterrupt', () => {
  beforeEach(() => {
    process.exitCode = 0;
  });

  it('aborts on the first signal and ends the process on the second', () => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const reporter = listener();
    const { signal, release } = listenForInterrupt(reporter);
    process.emit('SIGINT', 'SIGINT');
    expect([signal.aborted, process.exitCode, reporter.warned.length]).toEqual([true, 130, 1]);
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGTERM', 'SIGTERM');
    expect(exit).toHaveBeenCalledWith(143);
    const before = process.listenerCount('SIGINT');
    release();
    expect(process.listenerCount('SIGINT')).toBe(before - 1);
    process.exitCode = 0;
    exit.mockRestore();
  });

  it('leaves signals to the system during unknown and long stretches only, and saves before them', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const reporter = listener();
    const none = process.listenerCount('SIGTERM');
    const { signal, stretch, release } = listenForInterrupt(reporter);
    const before = vi.fn(async () => undefined);
    const heard = (seconds: number): Promise<number> =>
      stretch(
        'A decoding',
        () => {
          vi.advanceTimersByTime(1000 * seconds);
          return process.listenerCount('SIGTERM') - none;
        },
        before,
      );
    expect(await heard(1)).toBe(0);
    expect([before.mock.calls.length, process.listenerCount('SIGTERM') - none]).toEqual([1, 1]);
    expect([await heard(1), await heard(6)]).toEqual([1, 1]);
    expect([before.mock.calls.length, reporter.warned]).toEqual([1, []]);
    expect([await heard(6), await heard(6)]).toEqual([0, 0]);
    expect(before).toHaveBeenCalledTimes(3);
    expect(reporter.warned).toEqual([expect.stringContaining('A decoding takes 6 s here')]);
    process.emit('SIGTERM', 'SIGTERM');
    await expect(heard(1)).rejects.toBe(signal.reason);
    release();
    expect(process.listenerCount('SIGTERM')).toBe(none);
    process.exitCode = 0;
    vi.useRealTimers();
  });
});
