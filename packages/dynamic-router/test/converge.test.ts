import type { LinearParams } from '@ahpa/ports';
import { expectClose } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { closedForm, initRouter, type RouterConfig, type RouterParams, routerPenalty } from '../src/index.ts';
import { route, testRng } from './helpers.ts';

const BETA = 0.2;
const config: RouterConfig = {
  groups: 3,
  frequencies: 16,
  hiddenSize: 24,
  layers: 4,
  temperature: 1,
  floor: 0,
};
const times = (): tf.Tensor1D => tf.linspace(0, 1, 24);

/** Losses of METHOD's Gaussian model: l = 1 - sqrt(R^2) with R^2 = (1 - t)^2 S / ((1 - t)^2 S + t^2), S = 10, 1, 0.1. */
function gaussianLosses(t: tf.Tensor1D): tf.Tensor2D {
  const each = [10, 1, 0.1].map((power) => {
    const signal = tf.mul(tf.square(tf.sub(1, t)), power);
    return tf.sub(1, tf.sqrt(tf.div(signal, tf.add(tf.add(signal, tf.square(t)), 1e-9))));
  });
  return tf.stack(each, 1) as tf.Tensor2D;
}

/** Descends `loss` with Adam from a fresh router; resolves to its weights at `times`. */
function trained(loss: (weights: tf.Tensor) => tf.Scalar, steps: number): tf.Tensor {
  const params = initRouter(config, testRng);
  const places = Object.keys(params.net);
  const variables = places.flatMap((place) => {
    const { weight, bias } = params.net[place] as LinearParams;
    return [tf.variable(weight), tf.variable(bias)];
  });
  const net = Object.fromEntries(
    places.map((place, i) => [place, { weight: variables[2 * i], bias: variables[2 * i + 1] }]),
  );
  const current = { net } as unknown as RouterParams;
  const adam = tf.train.adam(0.01);
  for (let step = 0; step < steps; step++) {
    if (step === Math.floor(0.7 * steps)) (adam as unknown as { learningRate: number }).learningRate = 0.002;
    adam.minimize(() => loss(route(current, times(), config)), false, variables);
  }
  const weights = route(current, times(), config);
  adam.dispose();
  for (const variable of variables) variable.dispose();
  return weights;
}

test('under the entropy rule the learned router converges to softmax(-loss / beta) at every time', () => {
  const losses = gaussianLosses(times());
  const none = { balance: 0, mutualInformation: 0 };
  const weights = trained((w) => {
    const own = tf.mean(tf.sum(tf.mul(w, losses), -1));
    return tf.add(own, routerPenalty(w, { entropy: BETA, ...none }));
  }, 500);
  expectClose(weights, closedForm(losses, BETA), { atol: 0.03, rtol: 0 });
});

test('without a rule it moves to the easiest group', () => {
  const losses = gaussianLosses(times());
  const weights = trained((w) => tf.mean(tf.sum(tf.mul(w, losses), -1)), 150);
  const middle = tf.slice(weights, [8, 0], [8, 3]);
  expect(tf.min(tf.slice(middle, [0, 0], [8, 1])).dataSync()[0]).toBeGreaterThan(0.95);
});
