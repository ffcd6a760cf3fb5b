import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  ahpaLoss,
  cosineTokens,
  DISTANCES,
  repa,
  smoothL1Tokens,
  spatialZScore,
  sra2,
  tokenDistance,
} from '../src/index.ts';
import { identity, inputsOf, seen, specOf, tokens } from './helpers.ts';

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

const cosines = (p = projected(), z = targets()): tf.Tensor2D[] =>
  p.map((tokens, g) => cosineTokens(tokens, z[g] as tf.Tensor3D));

const LINEAR = { head: { kind: 'linear' } };
const params = { projectors: [identity(5)] };

/** The loss of REPA on tokens [3, 4, 5] that its head leaves as they are. */
function repaLoss(x: tf.Tensor3D, z: tf.Tensor3D): tf.Scalar {
  const alignment = repa.create(repa.options.parse(LINEAR), specOf(5));
  const targets = alignment.targets(inputsOf({ targets: [z] }));
  return alignment.loss(params, seen(x), inputsOf({ targets })).loss;
}

/** The same of SRA2, whose target is the latent [3, 2, 2, 5] itself. */
function sra2Loss(x: tf.Tensor3D, z: tf.Tensor3D): tf.Scalar {
  const alignment = sra2.create(sra2.options.parse(LINEAR), specOf(5));
  const targets = alignment.targets(inputsOf({ x0: tf.reshape(z, [3, 2, 2, 5]) as tf.Tensor4D }));
  return alignment.loss(params, seen(x), inputsOf({ targets })).loss;
}

describe('ahpaLoss', () => {
  test('loss, distances and gradients equal PyTorch', () => {
    const { loss, perGroup } = ahpaLoss(cosines(), weights());
    expectClose(loss, golden.ahpa);
    expectClose(perGroup, golden.perGroup);
    const [dFirst, dSecond, dWeights] = tf.grads(
      (first, second, w) => ahpaLoss(cosines([first, second] as tf.Tensor3D[]), w as tf.Tensor2D).loss,
    )([...projected(), weights()]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    expectClose(dFirst, golden.dProjected[0] as GoldenTensor, { atol: 1e-6 });
    expectClose(dSecond, golden.dProjected[1] as GoldenTensor, { atol: 1e-6 });
    expectClose(dWeights, golden.dWeights, { atol: 1e-6 });
  });

  test.each(DISTANCES)('%s with uniform weights is the mean of the group losses', (kind) => {
    const each = projected().map((tokens, g) => tokenDistance(kind, tokens, targets()[g] as tf.Tensor3D));
    const { loss } = ahpaLoss(each, tf.fill([3, 2], 0.5) as tf.Tensor2D);
    expectClose(loss, tf.mean(tf.stack(each.map((distance) => tf.mean(distance)))));
  });

  test('one-hot weights give that group: REPA with cosine, SRA2 with smooth-L1', () => {
    const first = tf.tensor2d([1, 0, 1, 0, 1, 0], [3, 2]);
    const [x, z] = [projected()[0] as tf.Tensor3D, targets()[0] as tf.Tensor3D];
    const smooth = projected().map((tokens, g) => smoothL1Tokens(tokens, targets()[g] as tf.Tensor3D));
    expectClose(ahpaLoss(cosines(), first).loss, repaLoss(x, z));
    expectClose(ahpaLoss(smooth, first).loss, sra2Loss(x, z));
  });

  test('keeps two tensors', () => {
    const [each, w] = [cosines(), weights()];
    expectLive(() => ahpaLoss(each, w), 2);
    expectLive(() => ahpaLoss(each, w, 'token'), 2);
  });

  test('refuses a wrong number of groups, and token weights of another grid', () => {
    expect(() => ahpaLoss(cosines().slice(1), weights())).toThrow(/1 distances, wanted 2/);
    const fine = [cosineTokens(tokens([3, 4, 5], 1), tokens([3, 4, 5], 2)), tf.zeros([3, 16]) as tf.Tensor2D];
    expect(() => ahpaLoss(fine, tf.ones([3, 4, 2]) as tf.Tensor3D)).toThrow(/16 tokens, wanted 4/);
  });
});

test('the losses of repa and sra2 equal PyTorch and keep one tensor', () => {
  const [x, z] = [tokens([3, 4, 5], 40), tokens([3, 4, 5], 50)];
  expectClose(
    expectLive(() => tf.tidy(() => repaLoss(x, z)), 1),
    golden.repa,
  );
  expectClose(
    expectLive(() => tf.tidy(() => sra2Loss(x, z)), 1),
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

test.each(DISTANCES)('%s keeps one tensor and sends no gradient to its target', (kind) => {
  const [x, z] = [tokens([2, 4, 5], 1), tokens([2, 4, 5], 2)];
  expectLive(() => tokenDistance(kind, x, z), 1);
  const gradient = tf.grad((both) => {
    const [p, target] = tf.unstack(both) as [tf.Tensor3D, tf.Tensor3D];
    return tokenDistance(kind, p, target);
  })(tf.stack([x, z]));
  const [own, others] = tf.unstack(gradient) as [tf.Tensor, tf.Tensor];
  expectClose(others, tf.zerosLike(others), { atol: 0 });
  expect(tf.max(tf.abs(own)).dataSync()[0]).toBeGreaterThan(0);
});
