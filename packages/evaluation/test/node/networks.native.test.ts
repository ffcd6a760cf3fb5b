import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createEngine } from '@ahpa/engine';
import { useTensorFlow } from '@ahpa/libtensorflow';
import { missing } from '@ahpa/test-fixtures';
import * as tf from '@tensorflow/tfjs-core';
import envPaths from 'env-paths';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inception, type NetworkParams } from '../../src/index.ts';
import { openFeatureNetwork, squeezeNetPath } from '../../src/node/index.ts';
import { expectInception, inceptionImages, inceptionParams } from '../inception.ts';

const PHOTOGRAPHS = fileURLToPath(
  new URL('../../../../../shared/data/imagenet-samples-200.zip', import.meta.url),
);

/** Where `ahpa setup` keeps SqueezeNet. */
const cacheDir = process.env['AHPA_CACHE'] || envPaths('ahpa', { suffix: '' }).cache;

describe.skipIf(missing)('networks', () => {
  beforeAll(() => useTensorFlow().then(() => undefined));
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('Inception computes what the network of FID does in PyTorch, from the same weights', async () => {
    const engine = await createEngine({ backend: 'tensorflow' });
    const model = engine.model(inceptionParams());
    const run = model.bind((params: NetworkParams, x: tf.Tensor4D) => ({ ...inception.apply(params, x) }));
    expectInception(run(inceptionImages()));
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
