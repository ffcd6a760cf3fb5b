/**
 * A run of an earlier version (eaf9b10, before the method moved into packages) continues: `old-run` is its folder after 4 steps, and
 * `expected.safetensors` the state that the same version had after 8.
 */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCheckpoint } from '@ahpa/checkpoint';
import { temporary } from '@ahpa/test-utils';
import { toFloat32 } from '@ahpa/weight-files';
import { expect, it } from 'vitest';
import { parseTrainConfig } from '../../src/config/parse.ts';
import { runFolder } from '../../src/records/folder.ts';
import { train } from '../../src/run/train.ts';
import { listener, uninterrupted } from '../tiny.ts';

const OLD = new URL('./old-run/', import.meta.url).pathname;

it('continues a run of an earlier version to the state that this version had', async () => {
  const root = join(temporary(), 'run');
  cpSync(OLD, root, { recursive: true });
  const folder = runFolder(root);
  const stored = JSON.parse(readFileSync(folder.config, 'utf8'));
  const config = parseTrainConfig({ ...stored, train: { ...stored.train, steps: 8, sampleEvery: 100 } });
  const reporter = listener();
  const { step } = await train(config, folder, reporter, uninterrupted);
  expect(step).toBe(8);
  expect(reporter.said.join('\n')).toMatch(/after step 4/);
  const [got, wanted] = await Promise.all(
    [join(folder.checkpoints, '0000008.safetensors'), join(OLD, 'expected.safetensors')].map((path) =>
      loadCheckpoint(path),
    ),
  );
  expect(Object.keys(got?.tensors ?? {}).sort()).toEqual(Object.keys(wanted?.tensors ?? {}).sort());
  for (const [name, entry] of Object.entries(wanted?.tensors ?? {})) {
    const other = got?.tensors[name];
    expect(other?.shape, name).toEqual(entry.shape);
    if (entry.dtype === 'I32') expect(other?.data, name).toEqual(entry.data);
    else {
      const [a, b] = [toFloat32(other as typeof entry), toFloat32(entry)];
      const most = b.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (a[i] as number))), 0);
      expect(most, name).toBeLessThan(1e-6);
    }
  }
});
