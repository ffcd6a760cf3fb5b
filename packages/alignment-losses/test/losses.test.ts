import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { ahpaLoss, cosineDistance, repaLoss, smoothL1, spatialZScore, sra2Loss } from '../src/index.ts';
import { tokens } from './helpers.ts';

type Golden = {
  ahpa: GoldenTensor;
  perGroup: GoldenTensor;
  dProjected: GoldenTensor[];
  dWeights: GoldenTensor;
  repa: GoldenTensor;
  sra2: GoldenTensor;
};
const golden = readGolden<Golden>(import.meta.url, 'losses.json');
const projected = (): tf.Tensor3D[] => [tokens([3, 4, 5], 40), tokens([3, 4, 6], 41)];
const targets = (): tf.Tensor3D[] => [tokens([3, 4, 5], 50), tokens([3, 4, 6], 51)];
const weights = (): tf.Tensor2D => tf.add(testTensor([3, 2], 60), 1);

describe('ahpaLoss', () => {
  test('loss, distances and gradients equal PyTorch', () => {
    const { loss, perGroup } = ahpaLoss(projected(), targets(), weights());
    expectClose(loss, golden.ahpa);
    expectClose(perGroup, golden.perGroup);
    const fixed = targets();
    const [dFirst, dSecond, dWeights] = tf.grads(
      (first, second, w) =>
        ahpaLoss([first as tf.Tensor3D, second as tf.Tensor3D], fixed, w as tf.Tensor2D).loss,
    )([...projected(), weights()]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    expectClose(dFirst, golden.dProjected[0] as GoldenTensor, { atol: 1e-6 });
    expectClose(dSecond, golden.dProjected[1] as GoldenTensor, { atol: 1e-6 });
    expectClose(dWeights, golden.dWeights, { atol: 1e-6 });
  });

  test.each(['cosine', 'smooth-l1'] as const)(
    '%s with uniform weights is the mean of the group losses',
    (kind) => {
      const distance = kind === 'cosine' ? cosineDistance : smoothL1;
      const { loss } = ahpaLoss(projected(), targets(), tf.fill([3, 2], 0.5), kind);
      const each = projected().map((tokens, g) => tf.mean(distance(tokens, targets()[g] as tf.Tensor3D)));
      expectClose(loss, tf.mean(tf.stack(each)));
    },
  );

  test('one-hot weights give that group: REPA with cosine, SRA2 with smooth-L1', () => {
    const first = tf.tensor2d([1, 0, 1, 0, 1, 0], [3, 2]);
    const [x, z] = [projected()[0] as tf.Tensor3D, targets()[0] as tf.Tensor3D];
    expectClose(ahpaLoss(projected(), targets(), first).loss, repaLoss(x, z));
    expectClose(ahpaLoss(projected(), targets(), first, 'smooth-l1').loss, sra2Loss(x, z));
  });

  test('keeps two tensors', () => {
    const [x, z, w] = [projected(), targets(), weights()];
    expectLive(() => ahpaLoss(x, z, w), 2);
  });

  test('refuses a wrong number of groups', () => {
    expect(() => ahpaLoss(projected(), targets().slice(1), weights())).toThrow(/1 targets, wanted 2/);
  });
});

test('repaLoss and sra2Loss equal PyTorch and keep one tensor', () => {
  const [x, z] = [tokens([3, 4, 5], 40), tokens([3, 4, 5], 50)];
  expectClose(
    expectLive(() => repaLoss(x, z), 1),
    golden.repa,
  );
  expectClose(
    expectLive(() => sra2Loss(x, z), 1),
    golden.sra2,
  );
});

describe('spatialZScore', () => {
  test('equals PyTorch and keeps one tensor', () => {
    const target = tokens([2, 6, 4], 4);
    expectClose(
      expectLive(() => spatialZScore(target), 1),
      readGolden<GoldenTensor>(import.meta.url, 'spatial.json'),
    );
  });

  test('is finite for constant channels and refuses a single token', () => {
    expectClose(spatialZScore(tf.zeros([2, 3, 4])), tf.zeros([2, 3, 4]), { atol: 0 });
    expect(() => spatialZScore(tokens([2, 1, 4], 1))).toThrow(/at least 2 tokens/);
  });
});
