/** A stranger's install: the published packages, in empty folders, train. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../../scripts/try-package-managers.mjs', import.meta.url));

test('the library and the trainer install with npm, bring no tfjs-node with them, and train', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, 'npm'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^npm, @ahpa\/libtensorflow: v\d+\.\d+\.\d+ tensorflow loss 1 -> 0\.\d+$/m);
  expect(stdout).toMatch(/^npm, @ahpa\/train: Done after 3 steps$/m);
  expect(status).toBe(0);
});
