import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCache, readIndex } from '@ahpa/latent-cache';
import { writePhotos, writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Extracted, type ExtractOptions, openImageDataset } from '../src/index.ts';
import type { HierarchyOptions } from '../src/options.ts';
import { extractPart, featuresOf } from './photos.ts';

const home = temporary();
const photos = join(home, 'photos');
const at = (name: string): string => join(home, name);
let vae = '';

const extractTo = async (
  out: string,
  options: Partial<ExtractOptions> = {},
  hierarchy: Partial<HierarchyOptions> = {},
): Promise<Extracted> =>
  extractPart(photos, 'train', await featuresOf(vae, hierarchy), { out: at(out), ...options });

beforeAll(async () => {
  await tf.setBackend('cpu');
  vae = await writeTinyVae(home);
  await writePhotos(photos);
  const whole = readFileSync(join(photos, 'train', 'cat', '0.png'));
  writeFileSync(join(photos, 'train', 'dog', 'torn.png'), whole.subarray(0, 300));
});

describe('extract', () => {
  it('leaves bad images out, counts what is unusual, and is done when it is done', async () => {
    const { index, remarks } = await extractTo('train');
    expect(index).toMatchObject({ count: 8, dropped: [{ name: 'dog/torn.png' }] });
    expect(remarks).toEqual({ greyscale: 2 });
    expect(await extractTo('train')).toEqual({ index, remarks: {} });
  });

  it('stops at the first bad image where it is strict', async () => {
    await expect(extractTo('strict', { strict: true })).rejects.toThrow(
      /dog\/torn\.png is bad \(.*leave --strict out/,
    );
    expect(await readIndex(at('strict'))).toBeUndefined();
  });

  it('refuses to go on with another request, naming the key', async () => {
    await extractTo('other');
    await expect(extractTo('other', {}, { norm: 'spatial' })).rejects.toThrow(
      /tokens\.norm is "dataset", wanted "spatial"/,
    );
    await expect(extractTo('other', { pixels: true })).rejects.toThrow(/fields\.pixels is absent, wanted/);
  });

  it('names what is wrong with a source', async () => {
    await expect(openImageDataset(photos, { size: 16, within: 'test', threads: 0 })).rejects.toThrow(
      /no files below test/,
    );
  });

  it.each([
    ['whiten', 0.5, 1],
    ['innovation', 0, 0.1],
  ] as const)(
    'with %s gives tokens that correlate with the latent by %d to %d',
    async (norm, least, most) => {
      rmSync(join(photos, 'train', 'dog', 'torn.png'), { force: true });
      await extractTo(norm, {}, { norm, components: 3, dtype: 'float32' });
      const cache = await openCache(at(norm));
      const rows = Array.from({ length: cache.index.count }, (_, i) => i);
      const [z, tokens] = ['latent.mean', 'tokens.coarse'].map((field, i) => {
        const values = tf.tensor(cache.gather(field, rows) as Float32Array, [rows.length * 4, 4 - i]);
        const centred = tf.sub(values, tf.mean(values, 0));
        return tf.div(centred, tf.norm(centred, 2, 0)) as tf.Tensor2D;
      }) as [tf.Tensor2D, tf.Tensor2D];
      const largest = tf.max(tf.abs(tf.matMul(z, tokens, true))).dataSync()[0] as number;
      cache.close();
      expect(largest).toBeGreaterThan(least);
      expect(largest).toBeLessThan(most);
    },
  );
});
