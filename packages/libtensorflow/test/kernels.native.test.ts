import '@tensorflow/tfjs';
import { expectClose, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTensorFlow } from '../src/index.ts';
import { missing } from './native.ts';

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;
const t = (...shape: number[]): number[] => shape;
const positive = (x: tf.Tensor): tf.Tensor => tf.add(tf.square(x), 0.5);

/** Every kernel that the packages of this repository use, with inputs of the given shapes. */
const CASES: Record<string, [Op, ...number[][]]> = {
  add: [tf.add, t(2, 3, 4), t(3, 1)],
  addN: [(a, b) => tf.addN([a, b]), t(3, 4), t(3, 4)],
  avgPool: [(x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), t(2, 4, 6, 3)],
  atan: [tf.atan, t(7)],
  clipByValue: [(x) => tf.clipByValue(x, -0.5, 0.5), t(40)],
  concat: [(a, b) => tf.concat([a, b], 1), t(2, 3), t(2, 5)],
  conv2d: [(x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), t(2, 6, 5, 3), t(3, 3, 3, 4)],
  'conv2d of stride 2': [
    (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 2, 'same'),
    t(1, 6, 8, 2),
    t(3, 3, 2, 3),
  ],
  cos: [tf.cos, t(9)],
  div: [(a, b) => tf.div(a, positive(b)), t(3, 4), t(4)],
  exp: [tf.exp, t(9)],
  expandDims: [(x) => tf.expandDims(x, 1), t(3, 4)],
  gather: [(x) => tf.gather(x, tf.tensor1d([2, 0, 2], 'int32')), t(4, 3)],
  log: [(x) => tf.log(positive(x)), t(9)],
  logSoftmax: [(x) => tf.logSoftmax(x), t(3, 5)],
  matMul: [(a, b) => tf.matMul(a, b), t(4, 3), t(3, 5)],
  'matMul transposed': [(a, b) => tf.matMul(a, b, true, true), t(3, 4), t(5, 3)],
  'matMul in batches': [(a, b) => tf.matMul(a, b, false, true), t(2, 2, 4, 3), t(2, 2, 5, 3)],
  max: [(x) => tf.max(x, 1), t(3, 5)],
  maximum: [tf.maximum, t(3, 4), t(3, 4)],
  mean: [(x) => tf.mean(x, -1, true), t(2, 3, 4)],
  minimum: [tf.minimum, t(3, 4), t(3, 4)],
  mul: [tf.mul, t(2, 3), t(1, 3)],
  neg: [tf.neg, t(5)],
  pad: [
    (x) =>
      tf.pad(x, [
        [0, 1],
        [2, 0],
      ]),
    t(2, 3),
  ],
  relu: [tf.relu, t(20)],
  reshape: [(x) => tf.reshape(x, [4, 3]), t(2, 6)],
  rsqrt: [(x) => tf.rsqrt(positive(x)), t(6)],
  sigmoid: [tf.sigmoid, t(9)],
  sin: [tf.sin, t(9)],
  slice: [(x) => tf.slice(x, [1, 0], [2, 3]), t(4, 5)],
  softmax: [(x) => tf.softmax(x), t(3, 5)],
  split: [(x) => tf.split(x, 3, 1)[1] as tf.Tensor, t(2, 6)],
  sqrt: [(x) => tf.sqrt(positive(x)), t(6)],
  square: [tf.square, t(6)],
  squaredDifference: [tf.squaredDifference, t(3, 4), t(3, 4)],
  stack: [(a, b) => tf.stack([a, b], 1), t(2, 3), t(2, 3)],
  sub: [tf.sub, t(3, 1), t(3, 4)],
  sum: [(x) => tf.sum(x, [0, 2]), t(2, 3, 4)],
  tanh: [tf.tanh, t(9)],
  tile: [(x) => tf.tile(x, [2, 1]), t(2, 3)],
  transpose: [(x) => tf.transpose(x, [2, 0, 1]), t(2, 3, 4)],
  unstack: [(x) => tf.unstack(x, 0)[1] as tf.Tensor, t(3, 4)],
  where: [(a, b) => tf.where(tf.tensor1d([true, false, true], 'bool'), a, b), t(3), t(3)],
};

type Values = { shape: number[]; data: number[] };

const valuesOf = (x: tf.Tensor): Values => ({ shape: x.shape, data: Array.from(x.dataSync()) });

/** The value of `op` and its gradients under a varying upstream gradient, on the present backend. */
function evaluate(op: Op, shapes: readonly number[][]): Values[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => testTensor(shape, i + 1));
    const value = op(...inputs);
    const dy = testTensor(value.shape, 99);
    return [value, ...tf.grads(op)(inputs, dy)].map(valuesOf);
  });
}

describe.skipIf(missing)('kernels', () => {
  beforeAll(async () => {
    await useTensorFlow();
  });
  afterAll(() => tf.setBackend('tensorflow'));

  it.each(Object.entries(CASES))(
    '%s equals the cpu backend, gradients included',
    async (_, [op, ...shapes]) => {
      await tf.setBackend('cpu');
      const wanted = evaluate(op, shapes);
      await tf.setBackend('tensorflow');
      const got = evaluate(op, shapes);
      got.forEach((result, i) => {
        expectClose(tf.tensor(result.data, result.shape), wanted[i] as Values, { atol: 2e-5, rtol: 1e-4 });
      });
    },
  );

  it('knows the kernels without gradients', async () => {
    await tf.setBackend('tensorflow');
    const x = tf.tensor1d([1.5, -0.2, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(Array.from(tf.isFinite(x).dataSync())).toEqual([1, 1, 0, 0]);
    expect(Array.from(tf.floor(x).dataSync()).slice(0, 2)).toEqual([1, -1]);
    expect(Array.from(tf.less(x, 0).dataSync())).toEqual([0, 1, 0, 0]);
    expect(Array.from(tf.oneHot(tf.tensor1d([1, 0], 'int32'), 3).dataSync())).toEqual([0, 1, 0, 1, 0, 0]);
    expect(Array.from(tf.fill([2], 7, 'int32').dataSync())).toEqual([7, 7]);
    expect(tf.topk(x, 2).values.shape).toEqual([2]);
    const image = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const doubled = tf.image.resizeNearestNeighbor(image, [4, 4]);
    expect(Array.from(tf.slice(doubled, [0, 1], [1, 2]).dataSync())).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  it('refuses an index out of bounds in gather', () => {
    expect(() => tf.gather(tf.tensor1d([1, 2]), tf.tensor1d([5], 'int32')).dataSync()).toThrow(
      /not in \[0, 2\)/,
    );
  });

  it('refuses string tensors in one sentence', () => {
    expect(() => tf.concat([tf.tensor1d(['a']), tf.tensor1d(['b'])])).toThrow(/not supported/);
  });
});
