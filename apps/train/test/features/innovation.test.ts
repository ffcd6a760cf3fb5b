import {
  expectClose,
  expectLive,
  fromGolden,
  type GoldenTensor,
  readGolden,
  testTensor,
} from '@ahpa/test-utils';
import { innovation, type Prediction } from '@ahpa/vae-hierarchy';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { fitPrediction } from '../../src/features/innovation.ts';
import { normTensors } from '../../src/features/norms.ts';

const golden = readGolden<
  Record<'latents' | 'white' | 'slopes' | 'offset' | 'scale' | 'tokens', GoldenTensor>
>(import.meta.url, 'innovation.json');

/** The prediction of white `[N, r]` from latents `[N, d]`. */
function fitted(latents: tf.Tensor, white: tf.Tensor): Prediction {
  const [z, w] = [latents.dataSync() as Float32Array, white.dataSync() as Float32Array];
  const norms = { group: fitPrediction(z, w, latents.shape[0] as number) };
  return (normTensors(norms, [{ name: 'group' }]) as unknown as [Prediction])[0];
}

const asTokens = (rows: tf.Tensor): tf.Tensor3D => tf.expandDims(rows) as tf.Tensor3D;

describe('the innovation of white tokens beyond the latent', () => {
  it('equals NumPy, fit and all, and keeps one tensor', () => {
    const [latents, white] = [fromGolden(golden.latents), fromGolden(golden.white)];
    const prediction = fitted(latents, white);
    for (const name of ['slopes', 'offset', 'scale'] as const) expectClose(prediction[name], golden[name]);
    const [w, z] = [asTokens(white), asTokens(latents)];
    const tokens = expectLive(() => innovation(w, z, prediction), 1);
    expectClose(tf.squeeze(tokens, [0]), golden.tokens, { atol: 1e-5 });
  });

  it.each([
    ['nothing of tokens that are linear in the latent', 1, 0, 0.01],
    ['nearly all of tokens that have nothing to do with it', 0, 0.97, 1.01],
  ])('is %s, over more rows than are summed at once', (_, share, least, most) => {
    const latents = testTensor([9000, 4], 1) as tf.Tensor2D;
    const linear = tf.matMul(latents, testTensor([4, 3], 2) as tf.Tensor2D);
    const mixed = tf.add(tf.mul(linear, share), tf.mul(testTensor([9000, 3], 3), 1 - share));
    const { mean, variance } = tf.moments(mixed, 0);
    const white = tf.div(tf.sub(mixed, mean), tf.sqrt(variance));
    const prediction = { ...fitted(latents, white), scale: tf.ones([3]) };
    const left = tf.sqrt(tf.mean(tf.square(innovation(asTokens(white), asTokens(latents), prediction))));
    expect(left.dataSync()[0]).toBeGreaterThanOrEqual(least);
    expect(left.dataSync()[0]).toBeLessThan(most);
  });
});
