import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findLatest } from '@ahpa/checkpoint';
import { silent } from '@ahpa/messages';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { inPackage } from '../../src/files/package-folder.ts';
import { tinyAssignments } from '../tiny.ts';

const MAIN = inPackage('dist/main.mjs');
const home = temporary();
const endless = 'sample.steps=1000000';
let vae = '';

/** Runs the built program and sends it SIGTERM three seconds after it wrote `cue`, when the first stretches are over. */
function terminated(
  cue: RegExp,
  ...line: string[]
): Promise<{ code: number; seconds: number; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...line], {
    env: { ...process.env, AHPA_CACHE: join(home, 'cache') },
  });
  let output = '';
  let sent = 0;
  const hear = (text: Buffer): void => {
    output += text;
    if (sent > 0 || !cue.test(output)) return;
    sent = Number.POSITIVE_INFINITY;
    setTimeout(() => {
      sent = performance.now();
      child.kill('SIGTERM');
    }, 3000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return new Promise((resolve) => {
    child.on('close', (code, signal) =>
      resolve({
        code: signal === 'SIGTERM' ? 143 : (code ?? -1),
        seconds: (performance.now() - sent) / 1000,
        output,
      }),
    );
  });
}

const leftOvers = (folder = home): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.partial$|\.lock$/.test(name),
  );

describe.skipIf(!existsSync(MAIN))('SIGTERM ends', () => {
  let base: string[] = [];
  beforeAll(async () => {
    vae = await writeTinyVae(home);
    base = [
      '--config',
      'tiny',
      '--runs',
      home,
      '--set',
      ...tinyAssignments(vae),
      'train.checkpointEvery=1000',
    ];
  });
  const run = (name: string, ...set: string[]): string[] => ['train', '--name', name, ...base, ...set];

  it('training while it samples a grid, and what was learned is saved', async () => {
    const { code, seconds, output } = await terminated(
      /sampling/,
      ...run('grid', 'train.steps=4', 'train.sampleEvery=2', endless),
    );
    expect(output).toContain('Stopped after step 2 and saved');
    expect([code, readdirSync(join(home, 'grid', 'samples'))]).toEqual([143, []]);
    expect(seconds).toBeLessThan(10);
    expect(readdirSync(join(home, 'grid', 'checkpoints')).join()).toContain('0000002');
  });

  it('sampling and generating from that run, with no file half written', async () => {
    const from = ['--runs', home, '--backend', 'cpu', '--steps', '1000000'];
    const out = join(home, 'grid.png');
    const sampled = await terminated(/sampling/, 'sample', '--run', 'grid', ...from, '--out', out);
    expect([sampled.code, existsSync(out)]).toEqual([143, false]);
    expect(sampled.seconds).toBeLessThan(10);
    const images = ['--n', '8', '--batch', '4', '--out', join(home, 'images')];
    const generated = await terminated(/generating/, 'generate', '--run', 'grid', ...from, ...images);
    expect(generated.output).toContain('Stopped after 0 images; the same command goes on.');
    expect(generated.code).toBe(143);
    expect(generated.seconds).toBeLessThan(10);
    expect(leftOvers()).toEqual([]);
  });

  it('training in the middle of a long step, with its last checkpoint whole', async () => {
    const large = 'model.size={"hiddenSize":96,"depth":3,"heads":3,"patchSize":1}';
    const set = ['data.size=64', 'data.perClass=4', large, 'train.batch=16', 'train.checkpointEvery=1'];
    const line = run('long', ...set, 'train.steps=1000', 'train.sampleEvery=1000');
    const { code, seconds, output } = await terminated(/A training step takes/, ...line);
    expect(output).toContain('ends the process at once; the same command goes on from the newest checkpoint');
    expect(code).toBe(143);
    expect(seconds).toBeLessThan(10);
    const { step } = (await findLatest(join(home, 'long', 'checkpoints'), silent)) ?? {};
    expect(step).toBeGreaterThan(0);
  });

  it('extracting, which keeps the images written and goes on after them', async () => {
    const images = join(home, 'photos', 'class');
    mkdirSync(images, { recursive: true });
    const picture = { create: { width: 256, height: 256, channels: 3 as const, background: '#a0b0c0' } };
    for (let i = 0; i < 60; i++)
      await sharp(picture)
        .png()
        .toFile(join(images, `${i}.png`));
    const [source, out] = [join(home, 'photos'), join(home, 'extracted')];
    const set = [`vae=${JSON.stringify({ kind: 'file', path: vae })}`, 'hierarchy.norm=none'];
    const line = ['extract', source, '--out', out, '--size', '256', '--batch', '1', '--backend', 'cpu'];
    const { code, seconds, output } = await terminated(/encoding/, ...line, '--set', ...set);
    expect(output).toContain('Stopped; the same command goes on after the images written.');
    expect(code).toBe(143);
    expect(seconds).toBeLessThan(10);
    expect(readFileSync(join(out, 'progress.jsonl'), 'utf8')).not.toBe('');
    expect(leftOvers(out)).toEqual([]);
  });
});
