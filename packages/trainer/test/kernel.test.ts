import { philox } from '@ahpa/ops';
import { expectClose, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { adamwLeaf, adamwScalars } from '../src/adamw.ts';
import { emaLeaf } from '../src/ema.ts';
import { ADAMW, scaleGradients, trainStep } from '../src/index.ts';
import { deps, newState, options, toyBatch } from './toy.ts';

const registered: string[] = [];

/** Gives the CPU backend a kernel composed of tfjs ops and records what it was called with. */
function fakeKernel(
  kernelName: string,
  compute: (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor | tf.Tensor[],
) {
  const calls: { inputs: string[]; attrs: unknown }[] = [];
  tf.registerKernel({
    kernelName,
    backendName: tf.getBackend(),
    kernelFunc: ({ inputs, attrs }) => {
      calls.push({ inputs: Object.keys(inputs).sort(), attrs });
      return compute(inputs as unknown as Readonly<Record<string, tf.Tensor>>) as
        | tf.TensorInfo
        | tf.TensorInfo[];
    },
  });
  registered.push(kernelName);
  return calls;
}

afterEach(() => {
  for (const name of registered.splice(0)) tf.unregisterKernel(name, tf.getBackend());
});

const t = (inputs: Readonly<Record<string, tf.Tensor>>, name: string): tf.Tensor => inputs[name] as tf.Tensor;

describe('fused kernels of a backend', () => {
  test('AdamW gets the documented inputs and is equivalent', () => {
    const [p, m, g] = [testTensor([5], 1), testTensor([5], 2), testTensor([5], 3)];
    const v = tf.square(testTensor([5], 4));
    const scalars = () => adamwScalars(ADAMW, tf.scalar(4, 'int32'), tf.scalar(0.1), tf.scalar(1));
    const composed = adamwLeaf(p, m, v, g, scalars());
    const calls = fakeKernel('AdamW', (inputs) => {
      const nextM = tf.add(
        t(inputs, 'm'),
        tf.mul(tf.sub(1, t(inputs, 'beta1')), tf.sub(t(inputs, 'grad'), t(inputs, 'm'))),
      );
      const change = tf.sub(tf.square(t(inputs, 'grad')), t(inputs, 'v'));
      const nextV = tf.add(t(inputs, 'v'), tf.mul(tf.sub(1, t(inputs, 'beta2')), change));
      const root = tf.add(tf.sqrt(nextV), t(inputs, 'epsilon'));
      return [tf.sub(t(inputs, 'param'), tf.div(tf.mul(t(inputs, 'alpha'), nextM), root)), nextM, nextV];
    });
    const fused = adamwLeaf(p, m, v, g, scalars());
    adamwLeaf(p, m, v, g, { ...scalars(), keep: tf.scalar(0.9) });
    expect(calls).toEqual([
      { inputs: ['alpha', 'beta1', 'beta2', 'epsilon', 'grad', 'm', 'param', 'v'], attrs: {} },
    ]);
    fused.forEach((leaf, i) => {
      expectClose(leaf, composed[i] as tf.Tensor, { atol: 1e-7, rtol: 2e-5 });
    });
  });

  test('Ema', () => {
    const calls = fakeKernel('Ema', (inputs) => tf.add(t(inputs, 'average'), t(inputs, 'rate')));
    expect(emaLeaf(tf.scalar(1), tf.scalar(5), tf.scalar(0.5)).dataSync()[0]).toBe(1.5);
    expect(calls).toEqual([{ inputs: ['average', 'rate', 'value'], attrs: {} }]);
  });

  test('MulNoNan', () => {
    const calls = fakeKernel('MulNoNan', (inputs) => tf.mul(t(inputs, 'x'), t(inputs, 'y')));
    expect(scaleGradients(tf.scalar(3) as tf.Tensor, tf.scalar(2)).dataSync()[0]).toBe(6);
    expect(calls).toHaveLength(1);
  });

  test('PhiloxNormal and PhiloxUniform get the key of the stream', () => {
    const normal = fakeKernel('PhiloxNormal', (inputs) => tf.cast(t(inputs, 'step'), 'float32'));
    const uniform = fakeKernel('PhiloxUniform', (inputs) => tf.cast(t(inputs, 'step'), 'float32'));
    expect(philox(7).normal([2, 3], 'a', tf.scalar(9, 'int32')).dataSync()[0]).toBe(9);
    expect(philox(7).uniform([4], 'a').dataSync()[0]).toBe(0);
    expect(normal).toEqual([{ inputs: ['step'], attrs: { shape: [2, 3], keyLow: 7, keyHigh: 0xe40c292c } }]);
    expect(uniform).toEqual([{ inputs: ['step'], attrs: { shape: [4], keyLow: 7, keyHigh: 0xe40c292c } }]);
  });

  test('Barrier orders the micro-batches, and in each the alignment between the way forward and the way back', () => {
    const calls = fakeKernel('Barrier', (inputs) => tf.clone(t(inputs, 'x')));
    trainStep(deps, newState(), [toyBatch(0, 2), toyBatch(2, 2), toyBatch(4, 2)], options);
    expect(calls).toEqual(Array(2 + 3 * 2).fill({ inputs: ['after', 'x'], attrs: {} }));
  });
});
