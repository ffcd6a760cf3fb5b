import { binByTime } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { meanRow, readWindow } from '../src/index.ts';

test('a window is averaged by name, and sums are divided by counts', async () => {
  const live = tf.memory().numTensors;
  const window = await readWindow([
    {
      loss: tf.scalar(1),
      'x.sum': tf.tensor1d([2, 0, 1]),
      'x.count': tf.tensor1d([1, 0, 1]),
      w: tf.tensor2d([[1, 2]]),
    },
    {
      loss: tf.scalar(4),
      'x.sum': tf.tensor1d([4, 0, 1]),
      'x.count': tf.tensor1d([3, 0, 0]),
      w: tf.tensor2d([[3, 6]]),
    },
  ]);
  expect(meanRow(window)).toEqual({ loss: 2.5, x: [1.5, Number.NaN, 2], w: [2, 4] });
  expect(tf.memory().numTensors).toBe(live);
});

test('binByTime puts every item into its tenth, both ends included', () => {
  const bins = binByTime(tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([0, 0.05, 0.999, 1]));
  expect([...bins.sum.dataSync()]).toEqual([3, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
  expect([...bins.count.dataSync()]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
});

test('a skipped step counts in `applied` only', async () => {
  const steps = [1, Number.NaN, 3].map((loss) => ({
    loss: tf.scalar(loss),
    'x.sum': tf.tensor1d([loss]),
    'x.count': tf.tensor1d([1]),
    applied: tf.scalar(Number.isNaN(loss) ? 0 : 1),
  }));
  expect(meanRow(await readWindow(steps))).toEqual({ loss: 2, x: [2], applied: 2 / 3 });
});
