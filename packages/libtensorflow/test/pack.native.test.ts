/** A stranger's install: the packed package, in an empty folder, trains a step. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/try-package-managers.mjs', import.meta.url));

test('the packed tarball installs with npm, brings no tfjs-node with it, and trains', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'npm'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^npm: v\d+\.\d+\.\d+ tensorflow loss 1 -> 0\.\d+\n$/);
  expect(status).toBe(0);
});
