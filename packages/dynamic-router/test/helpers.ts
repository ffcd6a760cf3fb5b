/** A router's configuration and a random-number port for tests. */
import type { Rng } from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import {
  type RouteInputs,
  type RouterConfig,
  type RouterParams,
  routeLogits,
  softWeights,
} from '../src/index.ts';

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

/** The weights of a configuration at every time, as the learned router computes them: t [B] -> [B, G] or [B, T, G]. */
export const route = (
  params: RouterParams,
  t: tf.Tensor1D,
  config: RouterConfig,
  inputs: RouteInputs = {},
): tf.Tensor2D | tf.Tensor3D =>
  tf.tidy(() => softWeights(routeLogits(params, t, config, inputs), config, inputs.step));
