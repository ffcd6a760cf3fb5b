import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  affinityLogits,
  attentionDistance,
  channelNorm,
  irepa,
  ntXentTokens,
  relationTokens,
} from '../src/index.ts';
import { identity, inputsOf, seen, specOf, tokens } from './helpers.ts';

type Pair = { value: GoldenTensor; dProjected: GoldenTensor };
const contrast = readGolden<{ ntXent: Pair; relation: Pair }>(import.meta.url, 'contrast.json');
const golden = readGolden<Record<'irepa' | 'channelNorm', GoldenTensor>>(import.meta.url, 'targets.json');
const finite = (x: tf.Tensor): boolean => [...x.dataSync()].every(Number.isFinite);

describe.each([
  ['ntXentTokens', ntXentTokens, contrast.ntXent],
  ['relationTokens', relationTokens, contrast.relation],
] as const)('%s', (_, distance, wanted) => {
  const [shape, each] = [[2, 4, 5] as const, () => testTensor([2, 4], 9)];

  test('value and gradient equal PyTorch', () => {
    const target = tokens(shape, 2);
    expectClose(distance(tokens(shape, 1), target), wanted.value);
    const gradient = tf.grad((p) => tf.mul(distance(p as tf.Tensor3D, target), each()))(tokens(shape, 1));
    expectClose(gradient, wanted.dProjected, { atol: 2e-6 });
  });

  test.each([0, 1e-8, 1e6])('is finite with a finite gradient for values of %f', (factor) => {
    const [odd, x] = [tf.mul(tokens(shape, 1), factor) as tf.Tensor3D, tokens(shape, 2)];
    const constant = tf.fill([...shape], factor) as tf.Tensor3D;
    for (const [p, z] of [
      [odd, x],
      [x, odd],
      [constant, constant],
    ] as const) {
      expect(finite(distance(p, z))).toBe(true);
      expect(finite(tf.grad((q) => distance(q as tf.Tensor3D, z))(p))).toBe(true);
    }
  });

  test('keeps one tensor', () => {
    const [p, z] = [tokens(shape, 1), tokens(shape, 2)];
    expectLive(() => distance(p, z), 1);
  });
});

test('relations do not see the width of the target', () => {
  expect(relationTokens(tokens([2, 4, 5], 1), tokens([2, 4, 7], 2)).shape).toEqual([2, 4]);
  expect(() => relationTokens(tokens([2, 4, 5], 1), tokens([2, 9, 5], 2))).toThrow(/wanted \[2,9, any\]/);
});

describe('attentionDistance', () => {
  type Attention = { value: GoldenTensor; dStudent: GoldenTensor };
  const wanted = readGolden<Attention>(import.meta.url, 'attention.json');
  const student = (): tf.Tensor4D => testTensor([2, 3, 4, 4], 1) as tf.Tensor4D;
  const teacher = (): tf.Tensor4D => testTensor([2, 2, 4, 4], 2) as tf.Tensor4D;

  test('value and gradient equal PyTorch: the first heads of the student', () => {
    const z = teacher();
    expectClose(attentionDistance(student(), z), wanted.value);
    const gradient = tf.grad((s) => tf.mul(attentionDistance(s as tf.Tensor4D, z), testTensor([2], 3)))(
      student(),
    );
    expectClose(gradient, wanted.dStudent, { atol: 1e-6 });
  });

  test('is least, the entropy of the teacher, where the two agree', () => {
    const z = teacher();
    const own = attentionDistance(z, z);
    const entropy = tf.neg(tf.sum(tf.mul(tf.softmax(z), tf.logSoftmax(z)), -1));
    expectClose(own, tf.mean(entropy, [1, 2]));
    const gradient = tf.grad((s) => attentionDistance(s as tf.Tensor4D, z))(z);
    expectClose(gradient, tf.zeros([2, 2, 4, 4]), { atol: 1e-6 });
  });

  test('takes affinities of a teacher without attention, and refuses another grid', () => {
    const features = tokens([2, 4, 5], 1);
    const logits = expectLive(() => affinityLogits(features, 0.1), 1);
    expect(logits.shape).toEqual([2, 1, 4, 4]);
    expectClose(tf.max(logits, -1), tf.fill([2, 1, 4], 10), { atol: 1e-3 });
    expect(attentionDistance(student(), logits).shape).toEqual([2]);
    expect(() => attentionDistance(student(), testTensor([2, 2, 9, 9], 1) as tf.Tensor4D)).toThrow(
      /wanted \[2, heads, 4, 4\]/,
    );
  });
});

describe('targets', () => {
  test('the loss of irepa and channelNorm equal PyTorch', () => {
    const alignment = irepa.create(irepa.options.parse({ head: { kind: 'linear' } }), specOf(4, 6));
    const targets = alignment.targets(inputsOf({ targets: [tokens([2, 6, 4], 4)] }));
    const params = { projectors: [identity(4)] };
    const { loss } = alignment.loss(params, seen(tokens([2, 6, 4], 3)), inputsOf({ targets }));
    expectClose(loss, golden.irepa);
    expectClose(channelNorm(tokens([2, 6, 4], 4)), golden.channelNorm);
    expect(finite(channelNorm(tf.fill([1, 2, 3], 5)))).toBe(true);
  });
});
