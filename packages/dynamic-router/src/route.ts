/** The router: sinusoid of t, SiLU network, softmax with temperature, floor. w = (1 - floor) softmax(net(e(t)) / temperature) + floor / G. */
import * as tf from '@tensorflow/tfjs-core';
import { assertConfig, type LinearParams, type RouterConfig, type RouterParams } from './config.ts';

/** Weights of the groups at every time: t [B] in [0, 1] -> [B, G], rows sum to 1. AHPA's router R. */
export function route(params: RouterParams, t: tf.Tensor1D, config: RouterConfig): tf.Tensor2D {
  assertConfig(config);
  const { groups, frequencies, layers, temperature, floor } = config;
  return tf.tidy(() => {
    let x = sinusoid(t, frequencies);
    for (let index = 0; index < layers; index++) {
      if (index > 0) x = tf.mul(x, tf.sigmoid(x)); // SiLU
      x = linear(x, layerAt(params, 2 * index));
    }
    const weights = tf.softmax(tf.div(x, temperature)) as tf.Tensor2D;
    return tf.add(tf.mul(weights, 1 - floor), floor / groups);
  });
}

/** Features of t, cosines first as in SiT's time embedding: [B] -> [B, width]. */
function sinusoid(t: tf.Tensor1D, width: number): tf.Tensor2D {
  const half = width / 2;
  const frequencies = Float32Array.from({ length: half }, (_, k) => Math.exp((-Math.log(10000) * k) / half));
  const angles = tf.mul(tf.reshape(t, [t.size, 1]), tf.tensor2d(frequencies, [1, half]));
  return tf.concat([tf.cos(angles), tf.sin(angles)], 1) as tf.Tensor2D;
}

function linear(x: tf.Tensor2D, { weight, bias }: LinearParams): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight, false, true), bias);
}

function layerAt(params: RouterParams, place: number): LinearParams {
  const layer = params.net[place];
  if (layer === undefined) {
    throw new Error(
      `route: parameters have layers [${Object.keys(params.net)}], wanted net.${place}; build them with the same config.layers.`,
    );
  }
  return layer;
}
