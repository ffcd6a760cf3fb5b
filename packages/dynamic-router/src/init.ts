/** A new router, whose last layer is zero so that all groups start with the same weight. */
import type { LinearParams, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { assertConfig, type RouterConfig, type RouterParams } from './config.ts';

/**
 * New parameters: xavier-uniform weights, zero biases, zero last layer. Every weight has its own stream `init/net.<place>.weight`.
 * @throws RangeError where the configuration is impossible
 */
export function initRouter(config: RouterConfig, rng: Rng): RouterParams {
  assertConfig(config);
  const { groups, frequencies, hiddenSize, layers, tokenWidth = 0 } = config;
  const layer = (index: number): readonly [string, LinearParams] => {
    const place = String(2 * index);
    const inputs = index === 0 ? frequencies + tokenWidth : hiddenSize;
    if (index === layers - 1)
      return [place, { weight: tf.zeros([groups, inputs]), bias: tf.zeros([groups]) }];
    const limit = Math.sqrt(6 / (inputs + hiddenSize));
    const uniform = rng.uniform([hiddenSize, inputs], `init/net.${place}.weight`);
    return [place, { weight: tf.mul(tf.sub(uniform, 0.5), 2 * limit), bias: tf.zeros([hiddenSize]) }];
  };
  return tf.tidy(() => ({
    net: Object.fromEntries(Array.from({ length: layers }, (_, index) => layer(index))),
  }));
}
