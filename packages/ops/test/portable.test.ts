import { expectClose, expectGradient, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { convolution, log1p, oneHot } from '../src/index.ts';

test('one-hot rows are ones and zeros in float32', () => {
  const rows = expectLive(() => oneHot(tf.tensor1d([2, 0, 2], 'int32'), 3), 1 + 1);
  expect(rows.dtype).toBe('float32');
  expect(rows.arraySync()).toEqual([
    [0, 0, 1],
    [1, 0, 0],
    [0, 0, 1],
  ]);
});

test('one-hot rows of one class are ones', () => {
  expect(oneHot(tf.tensor1d([0, 0], 'int32'), 1).arraySync()).toEqual([[1], [1]]);
});

test('a product with one-hot rows looks rows up, and its gradient adds theirs', () => {
  const table = testTensor([4, 3], 2) as tf.Tensor2D;
  const lookUp = (rows: tf.Tensor): tf.Tensor =>
    tf.matMul(oneHot(tf.tensor1d([3, 1, 3], 'int32'), 4), rows as tf.Tensor2D);
  const values = table.arraySync();
  expect(lookUp(table).arraySync()).toEqual([3, 1, 3].map((row) => values[row]));
  expect(
    tf
      .grad((rows) => tf.sum(lookUp(rows)))(table)
      .arraySync(),
  ).toEqual([0, 1, 0, 2].map((count) => [count, count, count]));
});

test('log1p keeps its digits near zero', () => {
  const values = Float32Array.of(-0.9, -0.5, -1e-3, -1e-6, 1e-7, 1e-3, 2, 1000);
  const wanted = { shape: [8], data: Array.from(values, Math.log1p) };
  expectClose(
    expectLive(() => log1p(tf.tensor1d(values)), 1 + 1),
    { ...wanted, data: wanted.data.map((value) => Math.fround(value)) },
    { atol: 1e-12, rtol: 2e-6 },
  );
  expect(log1p(tf.scalar(-1)).dataSync()[0]).toBe(Number.NEGATIVE_INFINITY);
});

describe('convolution', () => {
  const x = (): tf.Tensor4D => testTensor([2, 7, 6, 3], 1) as tf.Tensor4D;
  const filter = (): tf.Tensor4D => testTensor([3, 3, 3, 2], 2) as tf.Tensor4D;

  /** By its definition, in plain numbers; `before` zeros before the first row and column. */
  function plain(stride: number, before: number, rows: number, columns: number): number[] {
    const [image, kernel] = [x().arraySync(), filter().arraySync()];
    const at = (b: number, r: number, c: number, i: number): number => image[b]?.[r]?.[c]?.[i] ?? 0;
    const out: number[] = [];
    for (let b = 0; b < 2; b++)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          for (let o = 0; o < 2; o++) {
            let sum = 0;
            for (let k = 0; k < 27; k++) {
              const [u, v, i] = [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3];
              const weight = kernel[u]?.[v]?.[i]?.[o] as number;
              sum += weight * at(b, stride * r + u - before, stride * c + v - before, i);
            }
            out.push(sum);
          }
    return out;
  }

  // SAME at stride 2 pads 7 rows by one on either side, and 6 columns by one after the last.
  test.each([
    [1, 'same', 1, 7, 6],
    [1, 'valid', 0, 5, 4],
    [2, 'valid', 0, 3, 2],
  ] as const)('of stride %d with padding %s', (stride, padding, before, rows, columns) => {
    const y = expectLive(() => convolution(x(), filter(), stride, padding), 1 + 2);
    expectClose(y, { shape: [2, rows, columns, 2], data: plain(stride, before, rows, columns) });
  });

  test.each([
    [1, 'same'],
    [1, 'valid'],
    [2, 'same'],
    [2, 'valid'],
  ] as const)('has the gradients of central differences, stride %d, padding %s', (stride, padding) => {
    const square = (image: tf.Tensor, kernel: tf.Tensor): tf.Tensor =>
      tf.mean(tf.square(convolution(image as tf.Tensor4D, kernel as tf.Tensor4D, stride, padding)));
    expectGradient(square, [x(), filter()], { atol: 5e-4 });
  });
});
