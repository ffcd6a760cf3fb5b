import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activeBackend, openFrozenGraph, useTensorFlow } from '../src/index.ts';
import { missing } from './native.ts';
import { smallInception } from './small-inception.ts';

const OUTPUTS = ['pool_3:0', 'mixed_6/conv:0', 'softmax/logits/MatMul<1'];

describe.skipIf(missing)('a frozen graph', () => {
  let before = 0;
  beforeAll(async () => {
    const { eager } = await useTensorFlow();
    before = eager.getNumOfTensors();
    tf.engine().startScope();
  });
  afterAll(() => {
    tf.engine().endScope();
    expect(activeBackend().eager.getNumOfTensors()).toBe(before);
  });

  const options = { inputs: ['ExpandDims:0'], outputs: OUTPUTS, source: 'small.pb' };

  it('replaces a tensor in its middle by batches of any size, and gives the weights of an operation', () => {
    const { bytes, kernel, weights } = smallInception();
    const graph = openFrozenGraph(bytes, options);
    const [found] = graph.run([], ['softmax/logits/MatMul<1']) as [tf.Tensor];
    expect(found.shape).toEqual([2, 3]);
    expect([...found.dataSync()]).toEqual([...weights]);
    for (const batch of [1, 5]) {
      const images = tf.tidy(() => tf.floor(tf.randomUniform([batch, 6, 5, 3], 0, 256)) as tf.Tensor4D);
      const [pool, conv] = graph.run([images], ['pool_3:0', 'mixed_6/conv:0']) as [tf.Tensor, tf.Tensor];
      const expected = tf.tidy(() => {
        const x = tf.mul(tf.sub(tf.image.resizeBilinear(images, [9, 9], false, false), 128), 1 / 128);
        return tf.relu(tf.conv2d(x as tf.Tensor4D, tf.tensor4d(kernel, [1, 1, 3, 2]), 1, 'valid'));
      });
      const apart = (a: tf.Tensor, b: tf.Tensor): number =>
        tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number);
      expect(conv.shape).toEqual([batch, 9, 9, 2]);
      expect(apart(conv, expected)).toBeLessThan(1e-5);
      expect(pool.shape).toEqual([batch, 1, 1, 2]);
      expect(apart(pool, tf.mean(expected, [1, 2], true))).toBeLessThan(1e-5);
    }
    graph.dispose();
  });

  it('that is none, or another one, is refused in one sentence', () => {
    const { bytes } = smallInception();
    expect(() => openFrozenGraph(new Uint8Array(100).fill(7), options)).toThrow(
      /^small\.pb is no frozen TensorFlow graph/,
    );
    expect(() => openFrozenGraph(bytes.subarray(0, bytes.length - 9), options)).toThrow(
      /^small\.pb is no frozen/,
    );
    expect(() => openFrozenGraph(bytes, { ...options, outputs: ['pool_4:0'] })).toThrow(
      'small.pb: the graph has no operation pool_4; it is another graph than the one wanted.',
    );
    expect(() => openFrozenGraph(bytes, { ...options, inputs: ['Expand:0'] })).toThrow('no operation Expand');
  });
});
