import { join } from 'node:path';
import { findLibrary } from '@ahpa/libtensorflow/setup';
import { temporary } from '@ahpa/test-utils';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runExample } from './run-example.mjs';

function hasLibrary() {
  try {
    return findLibrary() !== undefined;
  } catch (error) {
    process.stderr.write(`native tests skipped: ${error.message}\n`);
    return false;
  }
}

describe.skipIf(!hasLibrary())("examples on TensorFlow's library", () => {
  it('ahpa-from-packages turns its own images into a sheet of samples', async () => {
    const out = join(temporary(), 'samples.png');
    const lines = await runExample('ahpa-from-packages/ahpa.mjs', '--steps', '3', '--out', out);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['step', 'step', 'step', 'wrote']);
    expect(await sharp(out).metadata()).toMatchObject({ width: 8 * 64, height: 3 * 64, channels: 3 });
  });
});
