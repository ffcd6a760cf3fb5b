import { patchify, philox } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { recoverability } from '../src/index.ts';
import { type Extent, measureMoments, type Subject } from '../src/measure.ts';

const rng = philox(0);

/** Latents whose first channel is kept by the hidden tokens and whose second is dropped; the levels are these channels. */
function subject(): Subject<{ mask: tf.Tensor }> {
  const latents = rng.normal([40, 4, 4, 2], 'latents') as tf.Tensor4D;
  const params = { mask: tf.tensor1d([1, 0]) };
  return {
    params: {
      bind:
        (fn) =>
        (...inputs) =>
          tf.tidy(() => fn(params, ...inputs) as never),
    },
    apply: ({ mask }, xt) => ({ velocity: xt, hidden: [patchify(tf.mul(xt, mask) as tf.Tensor4D, 2)] }),
    depth: 1,
    patchSize: 2,
    interpolant: {
      interpolate: (x0, noise, t) => {
        const velocity = tf.sub(noise, x0) as tf.Tensor4D;
        return { xt: tf.add(x0, tf.mul(velocity, tf.reshape(t, [-1, 1, 1, 1]))) as tf.Tensor4D, velocity };
      },
    },
    examples: {
      count: 40,
      batch: (rows) =>
        tf.tidy(() => {
          const mean = tf.gather(latents, tf.tensor1d([...rows], 'int32')) as tf.Tensor4D;
          const [kept, dropped] = tf.split(mean, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
          const y = tf.zeros([rows.length], 'int32') as tf.Tensor1D;
          const targets = [patchify(kept, 2), patchify(dropped, 2)];
          return { latent: { mean, std: tf.zerosLike(mean) }, y, targets };
        }),
    },
    levels: [
      { name: 'kept', width: 4 },
      { name: 'dropped', width: 4 },
    ],
    rng,
  };
}

const extent: Extent = { images: 40, batch: 4, bins: 2, seed: 1 };

describe('measureMoments', () => {
  it('finds in the hidden tokens what they keep, less of it with more noise, and leaks nothing', async () => {
    const one = subject();
    const before = tf.memory().numTensors;
    const done: number[] = [];
    const measurement = await measureMoments(one, extent, (images) => done.push(images));
    expect(tf.memory().numTensors).toBe(before);
    expect(done).toEqual([4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
    expect(measurement.yy.fit.get(0, 0)).toBe(6 * 4 * 4);
    const { targets, pick } = recoverability(measurement);
    const [kept, dropped] = targets.filter(({ kind }) => kind === 'level');
    const [low, high] = kept?.r2[0] ?? [];
    expect(low).toBeGreaterThan(0.6);
    expect(high).toBeLessThan(low as number);
    expect(dropped?.r2[0]?.[0]).toBeLessThan(0.1);
    expect(dropped?.availability).toBeGreaterThan(0.9);
    expect(pick).toBe('dropped');
  });

  it('wants five batches', async () => {
    await expect(measureMoments(subject(), { ...extent, images: 19 })).rejects.toThrow(
      'The probe has 4 batches of 4 images, wanted at least 5: name more --images (there are 40) or a smaller --batch.',
    );
  });
});
