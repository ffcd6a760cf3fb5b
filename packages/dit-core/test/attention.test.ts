import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { attention, attentionLogits, selfAttention } from '../src/index.ts';
import { expectSame } from './helpers.ts';

type Heads = [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];

const inputs = (): Heads => [1, 2, 3].map((seed) => tf.mul(testTensor([2, 3, 5, 4], seed), 2)) as Heads;

const plain = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
  tf.matMul(tf.softmax(tf.div(tf.matMul(q, k, false, true), 2)), v);

const mine = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor): tf.Tensor =>
  attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D);

test('attention is softmax(q kᵀ / sqrt(K)) v, with the same gradients', () => {
  expectSame(mine, plain, inputs());
});

test('a token that all queries agree on is returned', () => {
  const [q, , v] = inputs();
  const k = tf.concat(
    [tf.mul(tf.ones([2, 3, 1, 4]), 0), tf.mul(tf.ones([2, 3, 4, 4]), -1e4)],
    2,
  ) as tf.Tensor4D;
  const out = attention(tf.abs(q), k, v);
  expectClose(out, tf.tile(tf.slice(v, [0, 0, 0, 0], [2, 3, 1, 4]), [1, 1, 5, 1]));
});

test('keeps one tensor, three gradients', () => {
  const qkv = inputs();
  expectLive(() => attention(...qkv), 1);
  expectLive(() => tf.grads(mine)(qkv), 3);
});

test('selfAttention ignores the order of tokens and keeps one tensor', () => {
  const layer = (outputs: number, seed: number) => ({
    weight: testTensor([outputs, 8], seed) as tf.Tensor2D,
    bias: testTensor([outputs], seed + 1) as tf.Tensor1D,
  });
  const params = { qkv: layer(24, 4), proj: layer(8, 6) };
  const x = testTensor([2, 5, 8], 8) as tf.Tensor3D;
  const out = expectLive(() => selfAttention(params, x, 2), 1);
  expect(out.shape).toEqual([2, 5, 8]);
  expectClose(selfAttention(params, tf.reverse(x, 1), 2), tf.reverse(out, 1));
});

test('attentionLogits are what selfAttention takes the softmax of', () => {
  const layer = (outputs: number, seed: number) => ({
    weight: testTensor([outputs, 8], seed) as tf.Tensor2D,
    bias: testTensor([outputs], seed + 1) as tf.Tensor1D,
  });
  const proj = { weight: tf.eye(8), bias: tf.zeros([8]) as tf.Tensor1D };
  const params = { qkv: layer(24, 4), proj };
  const x = testTensor([2, 5, 8], 8) as tf.Tensor3D;
  const logits = expectLive(() => attentionLogits(params, x, 2), 1);
  const values = tf.slice(
    tf.add(tf.matMul(tf.reshape(x, [10, 8]), params.qkv.weight, false, true), params.qkv.bias),
    [0, 16],
    [10, 8],
  );
  const v = tf.transpose(tf.reshape(values, [2, 5, 2, 4]), [0, 2, 1, 3]);
  const mixed = tf.reshape(tf.transpose(tf.matMul(tf.softmax(logits), v), [0, 2, 1, 3]), [2, 5, 8]);
  expectClose(mixed, selfAttention(params, x, 2));
});
