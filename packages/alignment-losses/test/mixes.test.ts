import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { ahpaLoss, cosineTokens, mixTargets, mutualCosineTokens, residualWeights } from '../src/index.ts';
import { tokens } from './helpers.ts';

type Golden = {
  perToken: GoldenTensor;
  residualtoken: GoldenTensor;
  residualsample: GoldenTensor;
  losstoken: GoldenTensor;
  losssample: GoldenTensor;
  target: { loss: GoldenTensor; dProjected: GoldenTensor; dWeights: GoldenTensor };
};
const golden = readGolden<Golden>(import.meta.url, 'mixes.json');
const groups = [0, 1, 2] as const;
const targets = (): tf.Tensor3D[] => groups.map((g) => tokens([2, 4, 5], 50 + g));
const distances = (): tf.Tensor2D[] =>
  targets().map((target, g) => cosineTokens(tokens([2, 4, 5], 40 + g), target));
const weights = (seed: number): tf.Tensor2D => tf.softmax(testTensor([2, 3], seed)) as tf.Tensor2D;
const finite = (x: tf.Tensor): boolean => [...x.dataSync()].every(Number.isFinite);

test('weights of every token equal PyTorch', () => {
  const { loss } = ahpaLoss(distances(), tf.softmax(testTensor([2, 4, 3], 60)) as tf.Tensor3D);
  expectClose(loss, golden.perToken);
});

describe('residual weights', () => {
  test.each(['token', 'sample'] as const)('per %s equal PyTorch and have mean 1', (per) => {
    const each = distances();
    const got = each.map((distance) => residualWeights(distance, per));
    const wanted = golden[`residual${per}`];
    expectClose(got[0] as tf.Tensor, { shape: (got[0] as tf.Tensor).shape, data: wanted.data });
    for (const w of got) expectClose(tf.mean(w), tf.scalar(1));
    expectClose(ahpaLoss(each, weights(61), per).loss, golden[`loss${per}`]);
  });

  test('are even where nothing is left to learn, and send no gradient', () => {
    expectClose(residualWeights(tf.zeros([2, 3]), 'token'), tf.ones([2, 3]));
    const gradient = tf.grad((d) => residualWeights(d as tf.Tensor2D, 'token'))(distances()[0] as tf.Tensor);
    expectClose(gradient, tf.zeros([2, 4]), { atol: 0 });
  });

  test('keep one tensor', () => {
    const [first] = distances() as [tf.Tensor2D];
    expectLive(() => residualWeights(first, 'sample'), 1);
  });
});

describe('the target mix', () => {
  test('loss and both gradients equal PyTorch', () => {
    const fixed = targets();
    const loss = (p: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.mean(mutualCosineTokens(p as tf.Tensor3D, mixTargets(fixed, w as tf.Tensor2D)));
    const [p, w] = [tokens([2, 4, 5], 40), weights(62)];
    expectClose(loss(p, w), golden.target.loss);
    const [dProjected, dWeights] = tf.grads(loss)([p, w]) as [tf.Tensor, tf.Tensor];
    expectClose(dProjected, golden.target.dProjected, { atol: 1e-6 });
    expectClose(dWeights, golden.target.dWeights, { atol: 1e-6 });
  });

  test('of one group is that group, whatever its weight', () => {
    const [target] = targets() as [tf.Tensor3D];
    const p = tokens([2, 4, 5], 40);
    const mixed = mixTargets([target], tf.fill([2, 1], 0.3) as tf.Tensor2D);
    expectClose(mutualCosineTokens(p, mixed), cosineTokens(p, target));
  });

  test.each([0, 1e-8])('is finite with finite gradients for values of %f', (factor) => {
    const small = tf.mul(tokens([2, 4, 5], 3), factor) as tf.Tensor3D;
    const f = (p: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      mutualCosineTokens(p as tf.Tensor3D, mixTargets([small, small, small], w as tf.Tensor2D));
    for (const value of [f(small, weights(1)), ...tf.grads(f)([small, weights(1)])]) {
      expect(finite(value)).toBe(true);
    }
  });
});
