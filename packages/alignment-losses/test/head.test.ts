import { activatedProduct, addBias, SILU } from '@ahpa/ops';
import type { Rng } from '@ahpa/ports';
import {
  expectClose,
  expectGradient,
  expectLive,
  type GoldenTensor,
  readGolden,
  testTensor,
} from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  applyHead,
  type ConvHeadParams,
  type HeadConfig,
  initHead,
  type MlpHeadParams,
} from '../src/index.ts';
import { tokens } from './helpers.ts';

type Golden = {
  mlp: GoldenTensor;
  mlpGradients: Record<string, GoldenTensor>;
  conv: GoldenTensor;
  convGradients: Record<'weight' | 'bias', GoldenTensor>;
};
const golden = readGolden<Golden>(import.meta.url, 'heads.json');
const mlp: HeadConfig = { kind: 'mlp', inFeatures: 6, hidden: 7, out: 5 };
const conv: HeadConfig = { kind: 'conv', inFeatures: 6, out: 5, kernel: 3 };
const hidden = (): tf.Tensor3D => tokens([2, 9, 6], 70);
const testRng: Rng = {
  normal: (shape) => testTensor(shape, 2),
  uniform: (shape) => tf.tidy(() => tf.div(tf.add(testTensor(shape, 3), 1), 2)),
};

const mlpParams = (leaves: readonly tf.Tensor[]): MlpHeadParams => {
  const layer = (k: number) => ({ weight: leaves[k] as tf.Tensor2D, bias: leaves[k + 3] as tf.Tensor1D });
  return { 0: layer(0), 2: layer(1), 4: layer(2) };
};
const mlpLeaves = (): tf.Tensor[] => [
  testTensor([7, 6], 80),
  testTensor([7, 7], 81),
  testTensor([5, 7], 82),
  testTensor([7], 90),
  testTensor([7], 91),
  testTensor([5], 92),
];
const convParams = (weight: tf.Tensor, bias: tf.Tensor): ConvHeadParams => ({
  projection_layer: { weight: weight as tf.Tensor4D, bias: bias as tf.Tensor1D },
});

describe('the MLP head', () => {
  test('output and gradients equal PyTorch', () => {
    expectClose(applyHead(mlpParams(mlpLeaves()), hidden(), mlp), golden.mlp);
    const loss = (...leaves: tf.Tensor[]): tf.Tensor =>
      tf.mean(tf.square(applyHead(mlpParams(leaves), hidden(), mlp)));
    const gradients = tf.grads(loss)(mlpLeaves());
    const names = ['0.weight', '2.weight', '4.weight', '0.bias', '2.bias', '4.bias'];
    names.forEach((name, i) => {
      expectClose(gradients[i] as tf.Tensor, golden.mlpGradients[name] as GoldenTensor, { atol: 1e-6 });
    });
  });

  test('its layers have the gradients of the plain composition', () => {
    const inputs = [testTensor([2, 3, 4], 1), testTensor([4], 4), testTensor([5, 4], 2), testTensor([5], 3)];
    const layer = (x: tf.Tensor, c: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor =>
      addBias(activatedProduct(SILU, x, c as tf.Tensor1D, w as tf.Tensor2D), b as tf.Tensor1D);
    const plain = (x: tf.Tensor, c: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor => {
      const y = tf.reshape(tf.add(x, c), [6, 4]);
      return tf.reshape(tf.add(tf.matMul(tf.mul(y, tf.sigmoid(y)), tf.transpose(w)), b), [2, 3, 5]);
    };
    const cotangent = testTensor([2, 3, 5], 9);
    const [got, wanted] = [tf.grads(layer)(inputs, cotangent), tf.grads(plain)(inputs, cotangent)];
    got.forEach((gradient, i) => {
      expectClose(gradient, wanted[i] as tf.Tensor, { atol: 1e-6, rtol: 1e-5 });
    });
    expectGradient(layer, inputs);
  });
});

describe('the convolution head', () => {
  const leaves = (): [tf.Tensor, tf.Tensor] => [testTensor([5, 6, 3, 3], 83), testTensor([5], 93)];

  test('output and gradients equal PyTorch', () => {
    expectClose(applyHead(convParams(...leaves()), hidden(), conv), golden.conv);
    const gradients = tf.grads((weight, bias) =>
      tf.mean(tf.square(applyHead(convParams(weight as tf.Tensor, bias as tf.Tensor), hidden(), conv))),
    )(leaves());
    expectClose(gradients[0] as tf.Tensor, golden.convGradients.weight, { atol: 1e-6 });
    expectClose(gradients[1] as tf.Tensor, golden.convGradients.bias, { atol: 1e-6 });
  });

  test('refuses tokens that form no square', () => {
    expect(() => applyHead(convParams(...leaves()), tokens([2, 8, 6], 1), conv)).toThrow(
      /8 tokens, wanted a square/,
    );
  });
});

describe('initHead', () => {
  test('keeps its parameters alone, applyHead one tensor', () => {
    const x = hidden();
    for (const [config, count] of [
      [mlp, 6],
      [conv, 2],
    ] as const) {
      const params = expectLive(() => initHead(config, testRng, 'projectors.0'), count);
      expect(expectLive(() => applyHead(params, x, config), 1).shape).toEqual([2, 9, 5]);
    }
  });

  test('streams carry the path, ranges are xavier and PyTorch’s convolution default', () => {
    const streams: string[] = [];
    const ones = (shape: readonly number[], stream: string): tf.Tensor => {
      streams.push(stream);
      return tf.ones(shape as number[]);
    };
    const rng: Rng = { normal: ones, uniform: ones };
    const { 2: middle } = initHead(mlp, rng, 'projectors.1') as MlpHeadParams;
    expectClose(middle?.weight as tf.Tensor, tf.fill([7, 7], Math.sqrt(6 / 14)));
    const { projection_layer } = initHead(conv, rng, 'projectors.2') as ConvHeadParams;
    expectClose(projection_layer.bias, tf.fill([5], 1 / Math.sqrt(54)));
    expect(streams).toContain('init/projectors.1.4.weight');
    expect(streams).toContain('init/projectors.2.projection_layer.weight');
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('refuses an even kernel and hidden tokens of another width', () => {
    expect(() => initHead({ ...conv, kernel: 2 }, testRng, 'p')).toThrow(/kernel is 2/);
    expect(() => applyHead(mlpParams(mlpLeaves()), tokens([2, 9, 4], 1), mlp)).toThrow(/wanted \[B, T, 6\]/);
  });
});
