import { initDiT } from '@ahpa/dit-core';
import { createEngine } from '@ahpa/engine';
import { mapTree, philox } from '@ahpa/ops';
import { missing, TINY_VAE } from '@ahpa/test-fixtures';
import { initVae } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { decoder, type ImageSampler, imageSampler } from '../../src/models/image-sampler.ts';
import { sampleImages } from '../../src/sampling/sample-images.ts';
import { tinyConfig } from '../tiny.ts';

const shape = { latentSize: 4, latentChannels: 4, classes: 9 };
const N = 8;
const indices = Array.from({ length: N }, (_, i) => i);
let sampler: ImageSampler;

/** Images of the first `N` indices, drawn so many at a time. */
async function drawn(at: number, padTo = 0): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let first = 0; first < N; first += at) {
    const part = indices.slice(first, first + at);
    const labels = part.map((i) => i % shape.classes);
    parts.push((await sampleImages(sampler, { indices: part, labels, seed: 1, padTo })).data);
  }
  return new Uint8Array(Buffer.concat(parts));
}

describe.skipIf(missing)('images drawn by TensorFlow', () => {
  beforeAll(async () => {
    const engine = await createEngine({ backend: 'tensorflow' });
    const model = {
      ...shape,
      patchSize: 1,
      hiddenSize: 96,
      depth: 2,
      heads: 3,
      mlpRatio: 4,
      encoderDepths: [],
    };
    const start = initDiT(model, philox(1));
    const params = mapTree((leaf, path) => tf.mul(philox(9).normal(leaf.shape, path), 0.1), start);
    const vae = engine.model(initVae(TINY_VAE, philox(5)));
    const set = [
      'sample.sampler=sde',
      'sample.steps=4',
      'sample.guidance=1.8',
      'sample.guidanceInterval=[0,0.7]',
    ];
    const parts = { model, shape, decode: decoder(vae, TINY_VAE), vae: TINY_VAE };
    sampler = imageSampler(tinyConfig('unused', set), parts, engine.model(params));
  });

  it('have the same bits in any batch that is computed in full, wherever they stand in it', async () => {
    const together = await drawn(N);
    expect(new Set(together).size).toBeGreaterThan(100);
    expect(await drawn(1, N)).toEqual(together);
    expect(await drawn(3, N)).toEqual(together);
  });

  it('differ by at most one step of 255 between batch sizes', async () => {
    const together = await drawn(N);
    for (const at of [1, 3]) {
      const apart = await drawn(at);
      const most = apart.reduce(
        (max, value, i) => Math.max(max, Math.abs(value - (together[i] as number))),
        0,
      );
      expect(most).toBeLessThanOrEqual(1);
    }
  });
});
