import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine } from '@ahpa/engine';
import { useTensorFlow } from '@ahpa/libtensorflow';
import { missing } from '@ahpa/test-fixtures';
import { readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import envPaths from 'env-paths';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inception, loadInception, type NetworkParams } from '../../src/index.ts';
import { openFeatureNetwork, squeezeNetPath } from '../../src/node/index.ts';

const PHOTOGRAPHS = fileURLToPath(
  new URL('../../../../../shared/data/imagenet-samples-200.zip', import.meta.url),
);

/** Uniform in [-1, 1), as hash_values of scripts/golden/evaluation-networks.py. */
function hashValues(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    let x = Math.imul(i + 1, 2654435761) + seed;
    x = Math.imul(x ^ (x >>> 15), 2246822519);
    x = Math.imul(x ^ (x >>> 13), 3266489917);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Every tensor of the network in PyTorch's layout: the shapes from the convolutions' names and widths. */
function hashedState(
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, { shape: number[]; data: Float32Array }> {
  const names = Object.keys(shapes).sort();
  return Object.fromEntries(
    names.flatMap((name, seed) => {
      if (name.endsWith('num_batches_tracked')) return [];
      const shape = [...(shapes[name] as number[])];
      const count = shape.reduce((a, b) => a * b, 1);
      const kernel = name.endsWith('conv.weight') || name === 'fc.weight';
      const gain = Math.fround(Math.sqrt(6 / (count / (shape[0] as number))));
      const data = hashValues(count, seed).map((value) => {
        if (kernel) return value * gain;
        if (name.endsWith('running_mean')) return value * 0.125;
        return value * 0.25 + (name.endsWith('bias') ? 0 : 1);
      });
      return [[name, { shape, data }]];
    }),
  );
}

interface Golden {
  readonly shapes: Record<string, number[]>;
  readonly pooled: number[];
  readonly spatial: number[];
  readonly logits: number[];
}

function expectNear(actual: tf.Tensor, every: number, wanted: readonly number[], relative: number): void {
  const values = actual.dataSync();
  const largest = Math.max(...wanted.map(Math.abs));
  expect(wanted.length).toBe(Math.ceil(values.length / every));
  const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (values[i * every] as number))));
  expect(worst / largest).toBeLessThan(relative);
}

/** Where `ahpa setup` keeps SqueezeNet. */
const cacheDir = process.env['AHPA_CACHE'] || envPaths('ahpa', { suffix: '' }).cache;

describe.skipIf(missing)('networks', () => {
  beforeAll(() => useTensorFlow().then(() => undefined));
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('Inception computes what the network of FID does in PyTorch, from the same weights', async () => {
    const golden = readGolden<Golden>(new URL('../x', import.meta.url).href, 'inception.json');
    const state = hashedState(golden.shapes);
    const engine = await createEngine({ backend: 'tensorflow' });
    const model = engine.model(loadInception(state));
    const pixels = hashValues(2 * 64 * 48 * 3, 99).map((value) => Math.floor((value + 1) * 128));
    const run = model.bind((params: NetworkParams, x: tf.Tensor4D) => ({ ...inception.apply(params, x) }));
    const { pooled, spatial, logits } = run(tf.tensor4d(pixels, [2, 64, 48, 3]));
    expectNear(pooled, 7, golden.pooled, 1e-4);
    expectNear(spatial, 7, golden.spatial, 1e-4);
    expectNear(logits, 7, golden.logits, 1e-4);
    model.dispose();
  });

  it.skipIf(!existsSync(squeezeNetPath(cacheDir)) || !existsSync(PHOTOGRAPHS))(
    'SqueezeNet names at least 60 % of 100 photographs of ImageNet',
    async () => {
      const { openZip } = await import('@ahpa/image-data');
      const engine = await createEngine({ backend: 'tensorflow' });
      const network = await openFeatureNetwork({ cacheDir }, engine);
      const zip = await openZip(PHOTOGRAPHS);
      const files = zip.files.filter((file) => file.endsWith('.JPEG')).filter((_, i) => i % 2 === 0);
      let right = 0;
      for (let start = 0; start < files.length; start += 50) {
        const batch = await Promise.all(
          files.slice(start, start + 50).map(async (file) =>
            sharp(await zip.read(file))
              .resize(227, 227, { fit: 'cover' })
              .toColourspace('srgb')
              .raw()
              .toBuffer(),
          ),
        );
        const images = tf.tensor4d(Float32Array.from(Buffer.concat(batch)), [50, 227, 227, 3]);
        const best = tf.argMax(network.run(images).logits, 1).dataSync();
        // The archive holds every fifth class of the 1,000, sorted; this is every second of them.
        right += best.filter((label, i) => label === 10 * (start + i)).length;
      }
      await zip.close();
      network.dispose();
      expect(right).toBeGreaterThanOrEqual(60);
    },
  );
});
