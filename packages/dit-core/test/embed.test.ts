import {
  expectClose,
  expectGradient,
  expectLive,
  fromGolden,
  type GoldenTensor,
  readGolden,
  sha256,
  testTensor,
} from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { embedCondition, positionEmbedding, timestepEmbedding } from '../src/index.ts';

const golden = readGolden<{ time: GoldenTensor; position: GoldenTensor }>(import.meta.url, 'embeddings.json');

test('timestepEmbedding equals PyTorch', () => {
  expectClose(
    expectLive(() => timestepEmbedding(tf.tensor1d([0, 0.3, 1]), 32), 1 + 1),
    golden.time,
  );
});

test('positionEmbedding equals PyTorch', () => {
  expectClose(
    expectLive(() => positionEmbedding(4, 16), 1),
    golden.position,
  );
});

test.each(Object.entries(readGolden<Record<string, string>>(import.meta.url, 'positions.json')))(
  'positions %s have the bytes of NumPy',
  (size, hash) => {
    const [grid, width] = size.split('x').map(Number) as [number, number];
    expect(sha256(positionEmbedding(grid, width).dataSync())).toBe(hash);
  },
);

test('embedCondition looks labels up exactly and has gradients', () => {
  const layer = (inputs: number, seed: number) => ({
    weight: tf.mul(testTensor([4, inputs], seed), 0.2) as tf.Tensor2D,
    bias: testTensor([4], seed + 1) as tf.Tensor1D,
  });
  const table = testTensor([6, 4], 5) as tf.Tensor2D;
  const mlp = { 0: layer(256, 1), 2: layer(4, 3) };
  const embed = (weight: tf.Tensor): tf.Tensor2D =>
    embedCondition(
      { t_embedder: { mlp }, y_embedder: { embedding_table: { weight: weight as tf.Tensor2D } } },
      tf.tensor1d([0.4, 0.4, 0.4]),
      tf.tensor1d([5, 0, 5], 'int32'),
    );
  const condition = embed(table);
  const rows = fromGolden({ shape: [2, 4], data: [...tf.gather(table, [5, 0]).dataSync()] });
  const [first, second, third] = tf.split(condition, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
  expectClose(tf.sub(first, second), tf.sub(tf.slice(rows, 0, 1), tf.slice(rows, 1, 1)), { atol: 1e-6 });
  expectClose(first, third, { atol: 0 });
  expectGradient((weight) => tf.square(embed(weight)), [table]);
});
