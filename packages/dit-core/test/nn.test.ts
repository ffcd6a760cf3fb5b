import { activatedProduct, linear, SILU, silu } from '@ahpa/ops';
import { expectClose, expectLive, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gatedResidual, gelu, modulatedLayerNorm } from '../src/index.ts';
import { GELU } from '../src/nn.ts';
import { expectSame } from './helpers.ts';

const plainGelu = (x: tf.Tensor): tf.Tensor => {
  const u = tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(u), 1));
};

const plainNorm = (x: tf.Tensor, shift: tf.Tensor, scale: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-6)));
  return tf.add(tf.mul(normal, tf.add(tf.expandDims(scale, 1), 1)), tf.expandDims(shift, 1));
};

describe('linear', () => {
  const inputs = (): [tf.Tensor3D, tf.Tensor2D, tf.Tensor1D] => [
    testTensor([2, 3, 4], 1) as tf.Tensor3D,
    testTensor([5, 4], 2) as tf.Tensor2D,
    testTensor([5], 3) as tf.Tensor1D,
  ];

  test('is x wᵀ + b over the last axis, with the same gradients', () => {
    expectSame(
      (x, weight, bias) => linear(x, { weight: weight as tf.Tensor2D, bias: bias as tf.Tensor1D }),
      (x, weight, bias) =>
        tf.add(tf.reshape(tf.matMul(tf.reshape(x, [6, 4]), tf.transpose(weight)), [2, 3, 5]), bias),
      inputs(),
    );
  });

  test('keeps one tensor', () => {
    const [x, weight, bias] = inputs();
    expectLive(() => linear(x, { weight, bias }), 1);
  });
});

describe('activations', () => {
  test('silu is x sigmoid(x)', () => {
    expectSame(silu, (x) => tf.mul(x, tf.sigmoid(x)), [tf.mul(testTensor([3, 7], 4), 3)]);
  });

  test('gelu is the tanh form', () => {
    expectSame(gelu, plainGelu, [tf.mul(testTensor([3, 7], 5), 3)]);
  });

  test('both are finite far from zero, with gradients 0 and 1', () => {
    for (const activation of [silu, gelu]) {
      const x = tf.tensor1d([-50, 50]);
      expectClose(activation(x), { shape: [2], data: [0, 50] });
      expectClose(tf.grad((v) => activation(v))(x), { shape: [2], data: [0, 1] });
    }
  });

  test('each keeps one tensor', () => {
    const x = testTensor([3, 7], 6);
    expectLive(() => silu(x), 1);
    expectLive(() => gelu(x), 1);
  });
});

describe('modulatedLayerNorm', () => {
  const inputs = (): [tf.Tensor3D, tf.Tensor2D, tf.Tensor2D] => [
    tf.mul(testTensor([2, 3, 8], 7), 2) as tf.Tensor3D,
    testTensor([2, 8], 8) as tf.Tensor2D,
    testTensor([2, 8], 9) as tf.Tensor2D,
  ];

  test('is LN(x) (1 + scale) + shift, with the same gradients', () => {
    expectSame(
      (x, shift, scale) => modulatedLayerNorm(x as tf.Tensor3D, shift as tf.Tensor2D, scale as tf.Tensor2D),
      plainNorm,
      inputs(),
    );
  });

  test('a constant row is finite and gives the shift', () => {
    const [, shift, scale] = inputs();
    const out = modulatedLayerNorm(tf.fill([2, 1, 8], 3) as tf.Tensor3D, shift, scale);
    expectClose(tf.reshape(out, [2, 8]), shift);
  });

  test('keeps one tensor', () => {
    const [x, shift, scale] = inputs();
    expectLive(() => modulatedLayerNorm(x, shift, scale), 1);
  });
});

describe('activatedProduct', () => {
  const activated = { SILU: silu, GELU: gelu };

  test.each(['SILU', 'GELU'] as const)('is %s(x + bias) wᵀ, with the same gradients', (name) => {
    expectSame(
      (x, bias, weight) =>
        activatedProduct({ SILU, GELU }[name], x, bias as tf.Tensor1D, weight as tf.Tensor2D),
      (x, bias, weight) => {
        const rows = tf.reshape(activated[name](tf.add(x, bias)), [6, 4]);
        return tf.reshape(tf.matMul(rows, tf.transpose(weight)), [2, 3, 5]);
      },
      [testTensor([2, 3, 4], 1), testTensor([4], 2), testTensor([5, 4], 3)],
    );
  });
});

describe('gatedResidual', () => {
  const apply = (x: tf.Tensor, gate: tf.Tensor, y: tf.Tensor, bias: tf.Tensor): tf.Tensor3D =>
    gatedResidual(x as tf.Tensor3D, gate as tf.Tensor2D, y as tf.Tensor3D, bias as tf.Tensor1D);

  test('is x + gate (y + bias), with the same gradients', () => {
    expectSame(apply, (x, gate, y, bias) => tf.add(x, tf.mul(tf.expandDims(gate, 1), tf.add(y, bias))), [
      testTensor([2, 3, 4], 1),
      testTensor([2, 4], 2),
      testTensor([2, 3, 4], 3),
      testTensor([4], 4),
    ]);
  });

  test('keeps one tensor, also under a gradient', () => {
    const x = testTensor([2, 3, 4], 1);
    const gate = testTensor([2, 4], 2);
    const bias = testTensor([4], 4);
    expectLive(() => apply(x, gate, x, bias), 1);
    const gradients = expectLive(() => tf.grads((a, b, c) => apply(a, b, a, c))([x, gate, bias]), 3);
    expect(gradients.map(({ shape }) => shape)).toEqual([x.shape, gate.shape, bias.shape]);
  });
});
