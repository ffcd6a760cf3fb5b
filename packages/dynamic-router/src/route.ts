/**
 * The router: features of t, SiLU network, softmax with temperature, top-k, floor.
 * w = (1 - floor) top_k(softmax(net(e(t)) / temperature)) + floor / G
 */
import { stopGradient } from '@ahpa/ops';
import type { LinearParams } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { timeFeatures } from './condition.ts';
import { assertConfig, type RouterConfig, type RouterParams, type Temperature } from './config.ts';

/** Inputs of the network beside the time. */
export type RouteInputs = {
  /** Steps taken, int32 []; for a temperature that changes. */
  readonly step?: tf.Tensor;
  /** [B, T, tokenWidth], constants: the network's own hidden tokens, for a router of tokens. */
  readonly tokens?: tf.Tensor3D;
};

/** Logits of the groups at every time: t [B] in [0, 1] -> [B, G], or [B, T, G] with tokens. AHPA's router R before its softmax. */
export function routeLogits(
  params: RouterParams,
  t: tf.Tensor1D,
  config: RouterConfig,
  { tokens }: RouteInputs = {},
): tf.Tensor2D | tf.Tensor3D {
  assertConfig(config);
  const { groups, frequencies, layers, condition } = config;
  return tf.tidy(() => {
    const time = timeFeatures(t, frequencies, condition);
    let x = config.tokenWidth === undefined ? time : besideTime(time, tokens, config.tokenWidth);
    for (let index = 0; index < layers; index++) {
      if (index > 0) x = tf.mul(x, tf.sigmoid(x)); // SiLU
      x = linear(x, layerAt(params, 2 * index));
    }
    return tokens === undefined ? x : (tf.reshape(x, [t.size, tokens.shape[1], groups]) as tf.Tensor3D);
  });
}

/** Every token normalised over its channels, as a constant, with the features of its image's time: -> [B T, width + tokenWidth]. */
function besideTime(time: tf.Tensor2D, tokens: tf.Tensor3D | undefined, tokenWidth: number): tf.Tensor2D {
  if (tokens?.shape[2] !== tokenWidth) {
    throw new RangeError(
      `route: tokens have shape [${tokens?.shape ?? 'none'}], wanted [B, T, ${tokenWidth}]; pass the tokens that config.tokenWidth is of.`,
    );
  }
  const [batch, count] = tokens.shape;
  const normal = stopGradient(() => {
    const centred = tf.sub(tokens, tf.mean(tokens, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-6)));
  }, [tokens]);
  const repeated = tf.tile(tf.expandDims(time, 1), [1, count, 1]);
  return tf.reshape(tf.concat([repeated, normal], 2), [batch * count, -1]);
}

/** Weights from logits [..., G]: softmax or gates with temperature, top-k, floor. */
export function softWeights<T extends tf.Tensor>(logits: T, config: RouterConfig, step?: tf.Tensor): T {
  const { groups, floor, topK = groups, form = 'softmax' } = config;
  return tf.tidy(() => {
    const scaled = tf.div(logits, temperatureAt(config.temperature, step));
    const soft = form === 'softmax' ? tf.softmax(scaled) : tf.sigmoid(scaled);
    const kept = topK === groups ? soft : keepLargest(soft, topK, form === 'softmax');
    return tf.add(tf.mul(kept, 1 - floor), floor / groups) as T;
  });
}

/** The temperature after `step` steps. */
function temperatureAt(temperature: Temperature, step?: tf.Tensor): tf.Tensor | number {
  if (typeof temperature === 'number') return temperature;
  if (step === undefined)
    throw new RangeError('route: the temperature changes with the step; pass inputs.step.');
  const { from, to, steps } = temperature;
  return tf.tidy(() => {
    const share = tf.minimum(tf.div(tf.cast(step, 'float32'), Math.max(steps, 1)), 1);
    return tf.add(tf.mul(share, to - from), from);
  });
}

/** The `k` largest of the last axis (the first of equals), the others 0; brought to sum 1 where they are shares. */
function keepLargest(weights: tf.Tensor, k: number, shares: boolean): tf.Tensor {
  const mask = stopGradient(() => {
    const groups = weights.shape.at(-1) as number;
    const [mine, others] = [tf.expandDims(weights, -1), tf.expandDims(weights, -2)];
    const earlier = tf.tensor2d(
      Array.from({ length: groups ** 2 }, (_, i) => (i % groups < Math.floor(i / groups) ? 1 : 0)),
      [groups, groups],
    );
    const ahead = tf.add(
      tf.cast(tf.greater(others, mine), 'float32'),
      tf.mul(tf.cast(tf.equal(others, mine), 'float32'), earlier),
    );
    return tf.cast(tf.less(tf.sum(ahead, -1), k), 'float32');
  }, [weights]);
  const kept = tf.mul(weights, mask);
  return shares ? tf.div(kept, tf.sum(kept, -1, true)) : kept;
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
