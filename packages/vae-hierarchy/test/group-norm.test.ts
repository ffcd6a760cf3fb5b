import { expectClose, expectGradient, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { groupNorm, groupNormSilu, type NormParams } from '../src/index.ts';
import { downsample, nearest2x, resnetBlock } from '../src/layers.ts';

type Op = (x: tf.Tensor4D, params: NormParams, groups: number) => tf.Tensor4D;

/** Group normalization as the formula reads, in ops that have gradients of their own. */
const plainNorm: Op = (x, { weight, bias }, groups) => {
  const [batch, height, width, channels] = x.shape;
  const grouped = tf.reshape(x, [batch, height * width, groups, channels / groups]);
  const { mean, variance } = tf.moments(grouped, [1, 3], true);
  const normed = tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, 1e-6)));
  return tf.add(tf.mul(tf.reshape(normed, x.shape), weight), bias);
};

const plainNormSilu: Op = (x, params, groups) => {
  const normed = plainNorm(x, params, groups);
  return tf.mul(normed, tf.sigmoid(normed));
};

const x = (offset = 0): tf.Tensor4D => tf.add(tf.mul(testTensor([2, 3, 4, 6], 3), 2), offset);
const weight = (): tf.Tensor1D => tf.add(testTensor([6], 5), 1.2);
const bias = (): tf.Tensor1D => testTensor([6], 7) as tf.Tensor1D;
const cotangent = (): tf.Tensor => testTensor([2, 3, 4, 6], 11);

describe.each<[string, Op, Op]>([
  ['groupNorm', groupNorm, plainNorm],
  ['groupNormSilu', groupNormSilu, plainNormSilu],
])('%s', (_, op, plain) => {
  const objective =
    (f: Op, groups: number): ((...inputs: tf.Tensor[]) => tf.Tensor) =>
    (map, w, b) =>
      tf.sum(
        tf.mul(
          f(map as tf.Tensor4D, { weight: w as tf.Tensor1D, bias: b as tf.Tensor1D }, groups),
          cotangent(),
        ),
      );

  it.each([1, 2, 3, 6])('equals the composition with %i groups, value and gradients', (groups) => {
    const inputs = [x(0.5), weight(), bias()];
    const [map, w, b] = inputs as [tf.Tensor4D, tf.Tensor1D, tf.Tensor1D];
    const value = expectLive(() => op(map, { weight: w, bias: b }, groups), 1);
    expectClose(value, plain(map, { weight: w, bias: b }, groups));
    const wanted = tf.grads(objective(plain, groups))(inputs);
    tf.grads(objective(op, groups))(inputs).forEach((gradient, i) => {
      expectClose(gradient, wanted[i] as tf.Tensor, { atol: 2e-5 });
    });
  });

  it('has the gradients of central differences', () => {
    expectGradient(objective(op, 3), [x(), weight(), bias()]);
  });

  it('keeps its digits where the mean is large against the spread', () => {
    const map = x(300);
    const params = { weight: weight(), bias: bias() };
    expectClose(op(map, params, 2), plain(map, params, 2), { atol: 2e-3 });
    const wide = tf.mean(tf.square(op(map, { weight: tf.ones([6]), bias: tf.zeros([6]) }, 2)));
    expect(wide.dataSync()[0]).toBeGreaterThan(0.1);
  });
});

describe('layers', () => {
  const conv = (from: number, to: number, size: number, seed: number): tf.Tensor[] => [
    tf.mul(testTensor([size, size, from, to], seed), 0.4),
    tf.mul(testTensor([to], seed + 1), 0.4),
  ];
  const asConv = (w: tf.Tensor, b: tf.Tensor): never => ({ weight: w, bias: b }) as never;

  it('resnetBlock has the gradients of central differences, with and without a shortcut', () => {
    const norm = (n: number, seed: number): tf.Tensor[] => [
      tf.add(testTensor([n], seed), 1.5),
      testTensor([n], seed + 1),
    ];
    for (const to of [4, 6]) {
      const parts = [
        ...norm(4, 1),
        ...conv(4, to, 3, 3),
        ...norm(to, 5),
        ...conv(to, to, 3, 7),
        ...conv(4, to, 1, 9),
      ];
      const inputs = [testTensor([1, 4, 3, 4], 21), ...parts.slice(0, to === 4 ? 8 : 10)];
      const block = (map: tf.Tensor, ...p: tf.Tensor[]): tf.Tensor => {
        const pair = (i: number): never => asConv(p[i] as tf.Tensor, p[i + 1] as tf.Tensor);
        const shortcut = p.length > 8 ? { conv_shortcut: pair(8) } : {};
        const params = { norm1: pair(0), conv1: pair(2), norm2: pair(4), conv2: pair(6), ...shortcut };
        const out = resnetBlock(map as tf.Tensor4D, params, 2);
        return tf.mul(tf.sum(tf.mul(out, testTensor(out.shape, 31))), 0.3);
      };
      expectGradient(block, inputs);
    }
  });

  it('nearest2x repeats pixels and sums their gradients', () => {
    const map = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 3, 2, 1]);
    const doubled = expectLive(() => nearest2x(map), 1);
    expect([...doubled.dataSync()].slice(0, 8)).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    const dy = testTensor([1, 6, 4, 1]);
    const plain = (m: tf.Tensor): tf.Tensor => tf.image.resizeNearestNeighbor(m as tf.Tensor4D, [6, 4]);
    expectClose(tf.grad((m) => nearest2x(m as tf.Tensor4D))(map, dy), tf.grad(plain)(map, dy));
  });

  it('downsample pads after the last row and column only', () => {
    const [w, b] = conv(1, 1, 3, 3) as [tf.Tensor4D, tf.Tensor1D];
    const map = testTensor([1, 4, 6, 1]) as tf.Tensor4D;
    const padded = tf.pad(map, [[0, 0], [0, 1], [0, 1], [0, 0]]); // biome-ignore format: one line
    expectClose(downsample(map, asConv(w, b)), tf.add(tf.conv2d(padded as tf.Tensor4D, w, 2, 'valid'), b));
  });
});
