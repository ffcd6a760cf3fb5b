/** Every package works alone: packed, installed without its neighbours, its README run as plain JavaScript, its types read. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { installAlone } from '../packages-alone.mjs';
import { typeChecker } from '../type-check.mjs';

const root = mkdtempSync(join(tmpdir(), 'packages-alone-'));
const packages = installAlone(root).map(({ name, folder }) => [name, folder]);

afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(packages)('the README of %s runs as plain JavaScript', (_name, folder) => {
  expect(readFileSync(join(folder, 'readme.js'), 'utf8'), 'a README needs a js block').not.toBe('');
  const { status, stderr } = spawnSync(process.execPath, ['readme.js'], { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
});

describe.each(['node16', 'bundler'])('with moduleResolution %s', (resolution) => {
  const errorsOf = typeChecker(resolution);

  test.each(packages)('%s has types without errors, and its README names what they have', (_name, folder) => {
    expect(['types.ts', 'readme.js'].flatMap((file) => errorsOf(join(folder, file)))).toEqual([]);
  });
});
