/**
 * The 2015 Inception graph of TensorFlow as the ADM evaluator runs it: images in the place of `ExpandDims:0`, features from
 * `pool_3:0` and `mixed_6/conv:0`, and logits as the pooled features times the weights of `softmax/logits/MatMul`, no bias.
 */
import { readFile } from 'node:fs/promises';
import { openFrozenGraph } from '@ahpa/libtensorflow';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenFeatureNetwork } from './opened-network.ts';

const POOLED = 'pool_3:0';
const SPATIAL = 'mixed_6/conv:0';
const WEIGHTS = 'softmax/logits/MatMul<1';

/** Channels of `mixed_6/conv` that sFID compares. */
const SPATIAL_CHANNELS = 7;

/** Opens the graph in a file for the active `tensorflow` backend. */
export async function openInceptionGraph(path: string, sha256: string): Promise<OpenFeatureNetwork> {
  const graph = openFrozenGraph(await readFile(path), {
    inputs: ['ExpandDims:0'],
    outputs: [POOLED, SPATIAL, WEIGHTS],
    source: path,
  });
  const [weights] = graph.run([], [WEIGHTS]) as [tf.Tensor2D];
  const run: OpenFeatureNetwork['run'] = (images) =>
    tf.tidy(() => {
      const [pool, conv] = graph.run([images], [POOLED, SPATIAL]) as [tf.Tensor4D, tf.Tensor4D];
      const pooled = tf.reshape(pool, [images.shape[0], -1]) as tf.Tensor2D;
      const channels = Math.min(SPATIAL_CHANNELS, conv.shape[3]);
      const spatial = tf.slice(conv, [0, 0, 0, 0], [-1, -1, -1, channels]);
      return {
        pooled,
        spatial: tf.reshape(spatial, [images.shape[0], -1]) as tf.Tensor2D,
        logits: tf.matMul(pooled, weights) as tf.Tensor2D,
      };
    });
  const dispose = (): void => {
    weights.dispose();
    graph.dispose();
  };
  return { prefix: '', name: 'Inception (TensorFlow graph)', sha256, run, dispose };
}
