import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parameterCount } from '@ahpa/dit-core';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { readSafetensors } from '@ahpa/weight-files';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ExportOptions, type ExportResult, exportToHub } from '../../src/export/export.ts';
import { loadModel } from '../../src/models/load-model.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { sampleRun } from '../../src/sampling/sample-run.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const runs = temporary();
const at = (name: string): string => join(runs, name);

const card = {
  version: 1,
  figures: { 'FID@12': { value: 123.456 } },
  n: 12,
  samples: 'samples.npz',
  reference: { name: 'ref.npz', sha256: 'a'.repeat(64), n: 100 },
  network: { name: 'inception.pb', sha256: 'b'.repeat(64) },
  drawing: null,
  date: '2026-01-01',
  command: 'ahpa evaluate',
};

beforeAll(async () => {
  process.env['AHPA_CACHE'] = at('cache');
  const config = tinyConfig(await writeTinyVae(runs), ['train.steps=2', 'train.sampleEvery=2']);
  await train(config, runFolder(at('one')), listener(), uninterrupted);
}, 60_000);

const start = (folder: string, more: Partial<ExportOptions> = {}): Promise<ExportResult> =>
  exportToHub(at(folder), { model: 'one', runs, ...more }, listener());

describe('export', () => {
  it('writes what others need, and what the run measured', async () => {
    writeFileSync(at('my.card.json'), JSON.stringify(card));
    const result = await start('hub', { card: [at('my.card.json')] });
    expect(result.files).toEqual([
      'LICENSE',
      'README.md',
      'config.json',
      'model.safetensors',
      'samples.png',
      'vae',
    ]);
    expect(readdirSync(runs).filter((name) => name.includes('partial'))).toEqual([]);
    const readme = readFileSync(at('hub/README.md'), 'utf8');
    expect(readme).toMatch(/^---\nlicense: apache-2\.0\nlibrary_name: ahpa\n/);
    const last = readFileSync(runFolder(at('one')).stats, 'utf8')
      .trim()
      .split('\n')
      .at(-1) as string;
    for (const text of [
      '| Training steps | 2 |',
      `| ${JSON.parse(last).denoising.toFixed(4)} |`,
      '| FID@12 | 123.46 |',
      'Noto Emoji (Google, Apache-2.0)',
      'an independent study found no gain',
      '![Samples, one row a class](samples.png)',
    ])
      expect(readme).toContain(text);
    expect(readFileSync(at('hub/LICENSE'), 'utf8')).toContain('SPDX-License-Identifier: APACHE-2.0');
  });

  it('costs what a plain SiT costs, without router and heads', async () => {
    const { network, dropped } = await loadModel('one', { runs }, listener());
    rmSync(at('cost'), { recursive: true, force: true });
    const { cost } = await start('cost');
    expect(cost.model).toEqual(cost.plainSit);
    expect(cost.model.parameters).toBe(parameterCount(network));
    expect(cost.dropped).toBe(dropped);
    expect(dropped).toBeGreaterThan(1000);
    const { tensors } = await readSafetensors(at('cost/model.safetensors'));
    expect(Object.keys(tensors).filter((name) => /router|head|align/.test(name))).toEqual([]);
    expect(tensors['pos_embed']?.shape).toEqual([1, 4, 48]); // published files have it
    const count = parameterCount(network).toLocaleString('en');
    const readme = readFileSync(at('cost/README.md'), 'utf8');
    expect(readme.match(new RegExp(`\\| ${count} \\|`, 'g'))).toHaveLength(2);
  });

  it('draws what the run draws, with a VAE of its own', async () => {
    const images = [];
    rmSync(at('vae'), { recursive: true });
    for (const [model, vae] of [
      ['one', at('hub/vae')],
      [at('hub'), undefined],
    ] as const) {
      const out = at('grid.png');
      const request = { model, runs, class: '2', n: 2, seed: 3, backend: 'cpu', out } as const;
      await sampleRun({ ...request, ...(vae && { vae }) }, listener());
      images.push(readFileSync(out));
    }
    expect(images[0]).toEqual(images[1]);
  });

  it('names a VAE of the hub instead of copying it, and exports what was exported', async () => {
    const rights = { license: 'mit', data: 'Nothing.' };
    await start('again', { model: at('hub'), vae: 'hf:stabilityai/sd-vae-ft-mse@main', ...rights });
    expect(existsSync(at('again/vae'))).toBe(false);
    expect(JSON.parse(readFileSync(at('again/config.json'), 'utf8')).vae.path).toBe(
      'hf:stabilityai/sd-vae-ft-mse@main',
    );
    expect(readFileSync(at('again/model.safetensors'))).toEqual(readFileSync(at('hub/model.safetensors')));
    expect(readFileSync(at('again/README.md'), 'utf8')).toContain('No figures of generated images');
  });
});

describe('what is refused', () => {
  it('leaves nothing behind', async () => {
    mkdirSync(at('full'));
    writeFileSync(at('full/a'), '');
    await expect(start('full')).rejects.toThrow(`${at('full')} is not empty`);
    await expect(start('x', { model: at('hub') })).rejects.toThrow(
      'must say its licence, such as --license cc-by-nc-4.0 and what it was trained on',
    );
    await expect(start('x', { license: 'my own' })).rejects.toThrow('--license is "my own", wanted an SPDX');
    await expect(start('x', { vae: at('nowhere') })).rejects.toThrow(/The VAE has no .*nowhere/);
    await expect(start('x', { card: [at('hub/config.json')] })).rejects.toThrow(
      /config\.json is no card of ahpa evaluate/,
    );
    expect(readdirSync(runs).filter((name) => /^\.?x/.test(name))).toEqual([]);
  });
});
