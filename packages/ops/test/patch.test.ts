import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { patchify, unpatchify } from '../src/index.ts';

test('patchify lays a token out as channel, row, column', () => {
  const image = tf.reshape(tf.range(0, 2 * 4 * 3), [1, 2, 4, 3]) as tf.Tensor4D;
  const tokens = expectLive(() => patchify(image, 2), 1);
  expect(tokens.shape).toEqual([1, 2, 12]);
  expect([...tokens.dataSync().slice(0, 8)]).toEqual([0, 3, 12, 15, 1, 4, 13, 16]);
});

test('unpatchify reads a token as row, column, channel', () => {
  const latent = tf.reshape(tf.range(0, 4 * 4 * 3), [1, 4, 4, 3]) as tf.Tensor4D;
  const tokens = tf.reshape(
    tf.transpose(tf.reshape(latent, [1, 2, 2, 2, 2, 3]), [0, 1, 3, 2, 4, 5]),
    [1, 4, 12],
  );
  expectClose(
    expectLive(() => unpatchify(tokens as tf.Tensor3D, 2), 1),
    latent,
  );
});

test('patch size 1 keeps the pixels', () => {
  const latent = testTensor([2, 3, 3, 4]) as tf.Tensor4D;
  expectClose(unpatchify(patchify(latent, 1), 1), latent);
});
