import { entropy } from '@ahpa/ops';
import type { RouterInputs, Tree } from '@ahpa/ports';
import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initRouter, learned, loadBalance, type RouterConfig, type RouterParams } from '../src/index.ts';
import { config, route, testRng } from './helpers.ts';

type Golden = {
  weights: GoldenTensor;
  balance: GoldenTensor;
  entropy: GoldenTensor;
  gradients: Record<string, GoldenTensor>;
};

const times = (): tf.Tensor1D => tf.tensor1d([0, 0.1, 0.35, 0.6, 0.95, 1]);
const places = ['0', '2', '4', '6'] as const;

/** Parameters from a flat list weight, bias, weight, ... */
const assemble = (leaves: readonly tf.Tensor[]): RouterParams => ({
  net: Object.fromEntries(
    places.map((place, i) => [
      place,
      { weight: leaves[2 * i] as tf.Tensor2D, bias: leaves[2 * i + 1] as tf.Tensor1D },
    ]),
  ),
});
const goldenLeaves = (): tf.Tensor[] => {
  const widths = [16, 8, 8, 8, 3] as const;
  return places.flatMap((_, i) => [
    testTensor([widths[i + 1] as number, widths[i] as number], 10 + i),
    testTensor([widths[i + 1] as number], 20 + i),
  ]);
};

describe('against PyTorch', () => {
  const golden = readGolden<Golden>(import.meta.url, 'router.json');

  test('weights, balance and entropy', () => {
    const weights = route(assemble(goldenLeaves()), times(), config);
    expectClose(weights, golden.weights);
    const { frequencies, hiddenSize, layers, temperature, floor } = config;
    const options = learned.options.parse({ frequencies, hiddenSize, layers, temperature, floor });
    const groups = ['fine', 'mid', 'coarse'];
    const context = { groups, hiddenSize: 5, path: 'linear', seed: 0, form: 'softmax' } as const;
    const inputs = { t: times(), step: tf.scalar(0, 'int32'), state: {}, tokens: tf.zeros([6, 4, 5]) };
    const router = learned.create(options, context);
    const routed = router.route(assemble(goldenLeaves()), inputs as RouterInputs<Tree>);
    expectClose(routed.weights, golden.weights);
    expectClose(loadBalance(weights), golden.balance);
    expectClose(entropy(weights), golden.entropy);
  });

  test('the gradient for every parameter', () => {
    const loss = (...leaves: tf.Tensor[]): tf.Tensor =>
      tf.sum(tf.mul(route(assemble(leaves), times(), config), testTensor([6, 3], 30)));
    const gradients = tf.grads(loss)(goldenLeaves());
    places.forEach((place, i) => {
      expectClose(gradients[2 * i] as tf.Tensor, golden.gradients[`${place}.weight`] as GoldenTensor, {
        atol: 1e-6,
      });
      expectClose(gradients[2 * i + 1] as tf.Tensor, golden.gradients[`${place}.bias`] as GoldenTensor, {
        atol: 1e-6,
      });
    });
  });
});

describe('route', () => {
  test('a fresh router is uniform at every t, ends included', () => {
    const weights = route(initRouter(config, testRng), times(), config);
    expectClose(weights, tf.fill([6, 3], 1 / 3), { atol: 1e-7 });
  });

  test('rows sum to one and stay above the floor', () => {
    const sharp = { ...config, temperature: 0.01, floor: 0.1 };
    const weights = route(assemble(goldenLeaves()), times(), sharp);
    expectClose(tf.sum(weights, 1), tf.ones([6]), { atol: 1e-6 });
    expect(tf.min(weights).dataSync()[0]).toBeGreaterThanOrEqual(0.1 / 3 - 1e-6);
  });

  test.each([0, 0.2])('with floor %f the logit gradient is that of replicator dynamics', (floor) => {
    const soft: RouterConfig = { ...config, floor };
    const leaves = goldenLeaves();
    const losses = tf.tensor1d([0.3, 0.9, 0.5]);
    const [time, params] = [tf.tensor1d([0.35]), assemble(leaves)];
    // With one row, the gradient of the last bias is the gradient of the logits.
    const [bias] = leaves.splice(-1) as [tf.Tensor];
    const gradient = tf.grad((b) => tf.sum(tf.mul(route(assemble([...leaves, b]), time, soft), losses)))(
      bias,
    );
    const probabilities = tf.reshape(route(params, time, { ...soft, floor: 0 }), [3]);
    const advantage = tf.sub(losses, tf.sum(tf.mul(probabilities, losses)));
    const wanted = tf.mul(tf.mul(probabilities, advantage), (1 - floor) / 0.7);
    expectClose(gradient, wanted, { atol: 1e-6 });
  });

  test('a single group has weight one and no gradient', () => {
    const single = { ...config, groups: 1 };
    const params = initRouter(single, testRng);
    const weights = route(params, times(), single);
    expectClose(weights, tf.ones([6, 1]), { atol: 1e-7 });
    const first = params.net['0'];
    if (first === undefined) throw new Error('no first layer');
    const moved = (weight: tf.Tensor): RouterParams => ({
      net: { ...params.net, 0: { ...first, weight: weight as tf.Tensor2D } },
    });
    const gradient = tf.grad((weight) => route(moved(weight), times(), single))(first.weight);
    expectClose(gradient, tf.zerosLike(gradient), { atol: 0 });
  });

  test('keeps one tensor, a new router eight', () => {
    const params = expectLive(() => initRouter(config, testRng), 8);
    const t = times();
    expectLive(() => route(params, t, config), 1);
  });

  test('names what is wrong', () => {
    const params = initRouter(config, testRng);
    expect(() => route(params, times(), { ...config, layers: 5 })).toThrow(/wanted net\.8/);
    expect(() => initRouter({ ...config, temperature: 0 }, testRng)).toThrow(/temperature is 0/);
    expect(() => initRouter({ ...config, floor: 1.5 }, testRng)).toThrow(/floor is 1.5/);
  });
});

test('initRouter draws xavier weights from streams named by path', () => {
  const streams: string[] = [];
  const uniform = (shape: readonly number[], stream: string): tf.Tensor => {
    streams.push(stream);
    return tf.ones(shape as number[]);
  };
  const { net } = initRouter(config, { normal: uniform, uniform });
  expect(streams).toEqual(['init/net.0.weight', 'init/net.2.weight', 'init/net.4.weight']);
  expectClose(net['2']?.weight as tf.Tensor, tf.fill([8, 8], Math.sqrt(6 / 16)));
  expectClose(net['6']?.weight as tf.Tensor, tf.zeros([3, 8]), { atol: 0 });
});
