import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Converted, type ConvertRequest, convertModelFile } from '@ahpa/sit-models';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { readSafetensors } from '@ahpa/weight-files';
import { beforeAll, describe, expect, it } from 'vitest';
import { ahpaFormat } from '../../src/models/ahpa-format.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
const at = (name: string): string => join(runs, name);
const golden = (name: string): string =>
  join(import.meta.dirname, '../../../../packages/sit-weights/test/golden', name);
const own = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ahpa/golden/bin/python');
const python = process.env['AHPA_PYTHON'] ?? (existsSync(own) ? own : 'python3');

function whyNot(): string | undefined {
  const { status, error, stderr } = spawnSync(python, ['-c', 'import torch, diffusers, safetensors'], {
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? 'it failed';
  process.stderr.write(`skipped: strict loading in PyTorch, ${reason} (AHPA_PYTHON names the Python)\n`);
  return reason;
}

const run = (input: string, output: string, more: Partial<ConvertRequest> = {}): Promise<Converted> =>
  convertModelFile({ input, output: at(output), ...more }, ahpaFormat({ vae: 'vae', runs }, listener()));

const SIT = { from: 'sit', heads: 2 } as const;

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  const vae = await writeTinyVae(runs);
  for (const [name, set] of [
    ['ours', []],
    ['plain', ['alignment={"kind":"none"}']],
  ] as const) {
    const config = tinyConfig(vae, ['train.steps=2', 'train.sampleEvery=9', ...set]);
    await train(config, runFolder(at(name)), listener(), uninterrupted);
  }
}, 90_000);

interface Case {
  readonly name: string;
  readonly path: string;
  readonly to: string;
  readonly part?: string;
  readonly sizes: Converted['network'];
  readonly projectors?: readonly number[];
  readonly hidden?: number;
}

const skipped = whyNot();

describe('what the targets need', () => {
  it("hands the heads of a run on in REPA's form, and says how REPA loads them", async () => {
    const { note, left } = await run('ours', 'ours.safetensors');
    expect(note).toMatch(
      /^REPA's generate.py loads it with --projector-embed-dims \d+,\d+,\d+, with projector_dim=32/,
    );
    expect(left.length).toBeGreaterThan(0);
    expect(left.filter((name) => !name.startsWith('router.'))).toEqual([]);
    const { note: none } = await run('plain', 'plain.safetensors');
    expect(none).toMatch(/no projectors, .* --projectors zero:768/);
  });

  it('writes the whole state of a run, moments by name', async () => {
    const { left } = await run('ours', 'ours-all.safetensors', { part: 'all' });
    expect(left.filter((name) => !name.startsWith('router.'))).toEqual([]);
    const { tensors, metadata } = await readSafetensors(at('ours-all.safetensors'));
    expect(metadata).toMatchObject({ steps: '2', updates: '2' });
    expect(tensors['exp_avg.projectors.0.2.weight']?.shape).toEqual([32, 32]);
    const { checkpoints } = runFolder(at('ours'));
    const [checkpoint] = readdirSync(checkpoints).filter((name) => name.endsWith('.safetensors'));
    await run(join(checkpoints, checkpoint as string), 'file-all.safetensors', { part: 'all' });
    expect(readFileSync(at('file-all.safetensors'))).toEqual(readFileSync(at('ours-all.safetensors')));
    await expect(run('ours', 'no.safetensors', { part: 'all', zeroProjectors: [768] })).rejects.toThrow(
      /keeps its own projectors/,
    );
    await expect(run(at('ours-all.safetensors'), 'no.safetensors', { part: 'all' })).rejects.toThrow(
      /no training checkpoint/,
    );
  });

  it('refuses outputs of other formats, and those that exist', async () => {
    await expect(run('ours', 'out.pt')).rejects.toThrow(
      /out\.pt cannot be written: .*\.safetensors.*diffusers, ahpa/,
    );
    expect(existsSync(at('out.pt'))).toBe(false);
    await run('ours', 'twice.safetensors');
    await expect(run('ours', 'twice.safetensors')).rejects.toThrow(/exists already: .*--force/);
    await expect(run('ours', 'twice.safetensors', { part: 'all' })).rejects.toThrow(/exists already/);
    await run('ours', 'twice.safetensors', { force: true });
    await run('ours', 'folder');
    await expect(run('ours', 'folder')).rejects.toThrow(/exists already/);
    await run('ours', 'folder', { force: true });
  });
});

describe.skipIf(skipped !== undefined)('strict loading in PyTorch', () => {
  it('finds every tensor that the target has, and no more', async () => {
    const cases: Case[] = [];
    const add = async (
      name: string,
      input: string,
      to: string,
      more: Partial<ConvertRequest> & Pick<Case, 'projectors' | 'hidden' | 'part'> = {},
    ): Promise<void> => {
      const { projectors, hidden, part, ...request } = more;
      const output = `${name.replaceAll(' ', '-')}${to === 'diffusers' ? '' : '.safetensors'}`;
      const { network } = await run(input, output, { ...request, to });
      const sizes = { ...network, ...(to === 'repa' && { learnSigma: false }) };
      const heads = { ...(projectors && { projectors }), ...(hidden && { hidden }) };
      cases.push({ name, path: at(output), to, sizes, ...(part && { part }), ...heads });
    };
    const heads = { projectors: [8, 4, 4], hidden: 32 };
    await add('ours to repa', 'ours', 'repa', heads);
    await add('ours to sit', 'ours', 'sit');
    await add('plain to repa', 'plain', 'repa', { zeroProjectors: [8, 4], projectors: [8, 4] });
    await add('repa to repa', golden('repa.pt'), 'repa', { heads: 2, projectors: [3], hidden: 4 });
    await add('repa to sit', golden('repa.pt'), 'sit', { heads: 2 });
    await add('sit to sit', golden('sit.safetensors'), 'sit', SIT);
    await add('sit to repa', golden('sit.safetensors'), 'repa', {
      ...SIT,
      zeroProjectors: [768],
      projectors: [768],
    });
    await add('dit to dit', golden('sit.safetensors'), 'dit', { from: 'dit', heads: 2 });
    await add('dit to diffusers', golden('sit.safetensors'), 'diffusers', { from: 'dit', heads: 2 });
    await add('diffusers to dit', golden('diffusers'), 'dit');
    await run('ours', 'exported');
    await add('exported to sit', at('exported'), 'sit');
    const { network: sizes } = await run('ours', 'whole.safetensors', { part: 'all' });
    for (const part of ['model', 'ema', 'exp_avg', 'exp_avg_sq'])
      cases.push({
        name: `ours to all, ${part}`,
        path: at('whole.safetensors'),
        to: 'repa',
        sizes,
        part,
        ...heads,
      });
    writeFileSync(at('cases.json'), JSON.stringify(cases));
    const script = join(import.meta.dirname, '../../../../scripts/golden/strict-load-parity.py');
    const { stdout, stderr } = spawnSync(python, [script, at('cases.json')], { encoding: 'utf8' });
    expect(JSON.parse(stdout || JSON.stringify({ stderr }))).toEqual(
      Object.fromEntries(cases.map(({ name }) => [name, null])),
    );
  }, 120_000);

  it('has no form for what a target cannot hold', async () => {
    await expect(run('ours', 'x', { to: 'diffusers' })).rejects.toThrow(/repa cannot be turned into dit/);
    await expect(run('ours', 'x.safetensors', { to: 'dit' })).rejects.toThrow(
      /repa cannot be turned into dit/,
    );
    await expect(run('ours', 'y.safetensors', { to: 'sit', zeroProjectors: [8] })).rejects.toThrow(
      /sit has no projectors/,
    );
  });
});
