/** A router's configuration and a random-number port for tests. */
import type { Rng } from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import type { RouterConfig } from '../src/index.ts';

export const config: RouterConfig = {
  groups: 3,
  frequencies: 16,
  hiddenSize: 8,
  layers: 4,
  temperature: 0.7,
  floor: 0.05,
};

/** Numbers that depend on the length of the stream's name alone. */
export const testRng: Rng = {
  normal: (shape, stream) => testTensor(shape, stream.length),
  uniform: (shape, stream) => tf.tidy(() => tf.div(tf.add(testTensor(shape, stream.length), 1), 2)),
};
