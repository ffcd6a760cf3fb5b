import type { AlignmentInputs, LinearParams, Tree } from '@ahpa/ports';
import { expectClose, expectLive, type GoldenTensor, readGolden, testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  applyHead,
  applyHeads,
  earlierTimes,
  type HeadConfig,
  type HeadParams,
  type HeadsConfig,
  initHead,
  initHeads,
  type MlpHeadParams,
  sra,
  unfoldTokens,
} from '../src/index.ts';
import { inputsOf, seen, specOf, tokens } from './helpers.ts';

type Golden = {
  times: GoldenTensor;
  loss: GoldenTensor;
  gradients: Record<string, GoldenTensor>;
  deep: GoldenTensor;
  unfolded: GoldenTensor;
};
const golden = readGolden<Golden>(import.meta.url, 'sra.json');
const testRng = {
  normal: (shape: readonly number[]) => testTensor(shape, 2),
  uniform: (shape: readonly number[]) => tf.tidy(() => tf.div(tf.add(testTensor(shape, 3), 1), 2)),
};

/** An MLP of the golden script: weights from `seed` on, biases ten seeds later. */
const network = (widths: readonly number[], seed: number): MlpHeadParams =>
  Object.fromEntries(
    widths.slice(1).map((outputs, k) => {
      const weight = testTensor([outputs, widths[k] as number], seed + k) as tf.Tensor2D;
      return [String(2 * k), { weight, bias: testTensor([outputs], seed + 10 + k) as tf.Tensor1D }];
    }),
  );

test('times of the teacher are earlier, not below 0', () => {
  const chance = tf.div(tf.add(testTensor([2], 3), 1), 2) as tf.Tensor1D;
  expectClose(earlierTimes(tf.tensor1d([0.05, 0.7]), chance), golden.times);
});

test('head, loss and gradients of SRA equal PyTorch', () => {
  const options = sra.options.parse({ teacherDepth: 2, head: { kind: 'mlp', hidden: 12 } });
  const alignment = sra.create(options, specOf(6));
  const [hidden, teacher, params] = [tokens([2, 4, 6], 1), tokens([2, 4, 6], 2), network([6, 12, 6], 30)];
  const leaves = Object.values(params).flatMap(({ weight, bias }) => [weight, bias] as tf.Tensor[]);
  const assemble = ([w0, b0, w2, b2]: tf.Tensor[]): MlpHeadParams => ({
    0: { weight: w0 as tf.Tensor2D, bias: b0 as tf.Tensor1D },
    2: { weight: w2 as tf.Tensor2D, bias: b2 as tf.Tensor1D },
  });
  const [t, u] = [tf.tensor1d([0.05, 0.7]), tf.div(tf.add(testTensor([2], 3), 1), 2) as tf.Tensor1D];
  const averaged: AlignmentInputs<Tree, Tree>['teacher'] = (times) => {
    expectClose(times, golden.times);
    return { velocity: tf.zeros([2, 2, 2, 6]), hidden: [hidden, teacher] };
  };
  const targets = alignment.targets(inputsOf({ t, u, teacher: averaged }));
  const loss = (...parts: tf.Tensor[]): tf.Scalar =>
    alignment.loss({ projectors: [assemble(parts)] }, seen(hidden, teacher), inputsOf({ targets })).loss;
  expectClose(loss(...leaves), golden.loss);
  const gradients = tf.grads(loss)(leaves);
  ['0.weight', '0.bias', '2.weight', '2.bias'].forEach((name, i) => {
    expectClose(gradients[i] as tf.Tensor, golden.gradients[name] as GoldenTensor, { atol: 1e-6 });
  });
});

test("SRA2's five layers, and its tokens on the latent's own grid, equal PyTorch", () => {
  const config: HeadConfig = { kind: 'mlp', inFeatures: 6, hidden: 12, layers: 5, out: 4 };
  const deep = applyHead(network([6, 12, 12, 12, 12, 4], 60), tokens([2, 4, 6], 1), config);
  expectClose(deep, golden.deep);
  expectClose(
    expectLive(() => unfoldTokens(deep, 2), 1),
    golden.unfolded,
  );
  expectClose(unfoldTokens(deep, 1), deep);
});

describe('heads of several groups', () => {
  const hidden = (): tf.Tensor3D => tokens([2, 9, 6], 70);
  const config = (head: HeadsConfig['head']): HeadsConfig => ({ inFeatures: 6, outs: [4, 5], head });
  const kinds: readonly (readonly [HeadsConfig['head'], number])[] = [
    [{ kind: 'mlp', hidden: 7 }, 12],
    [{ kind: 'mlp', hidden: 7, layers: 5 }, 20],
    [{ kind: 'linear' }, 4],
    [{ kind: 'conv', kernel: 3 }, 4],
    [{ kind: 'shared', hidden: 7 }, 8],
  ];

  test.each(kinds)('%o have the widths asked for and send gradients to all', (head, count) => {
    const x = hidden();
    const params = expectLive(() => initHeads(config(head), testRng, 'projectors'), count);
    const projected = expectLive(() => applyHeads(params, () => x, config(head)), 2);
    expect(projected.map(({ shape }) => shape)).toEqual([
      [2, 9, 4],
      [2, 9, 5],
    ]);
    const gradient = tf.grad((h) => {
      const [first, second] = applyHeads(params, () => h as tf.Tensor3D, config(head));
      return tf.add(tf.sum(first as tf.Tensor), tf.sum(second as tf.Tensor));
    })(x);
    expect(tf.max(tf.abs(gradient)).dataSync()[0]).toBeGreaterThan(0);
  });

  test('a shared trunk is an MLP whose last layer is each group’s own', () => {
    const head = { kind: 'shared', hidden: 7 } as const;
    const params = initHeads(config(head), testRng, 'projectors');
    const { trunk, outs } = params as { trunk: MlpHeadParams; outs: LinearParams[] };
    const own = { ...trunk, 4: outs[1] as LinearParams };
    const wanted = applyHead(own, hidden(), { kind: 'mlp', inFeatures: 6, hidden: 7, out: 5 });
    expectClose(applyHeads(params, hidden, config(head))[1] as tf.Tensor, wanted);
  });

  test('a linear head is one product, and no layers are refused', () => {
    const linear: HeadConfig = { kind: 'linear', inFeatures: 6, out: 5 };
    const params = initHead(linear, testRng, 'p') as LinearParams;
    const rows = tf.matMul(tf.reshape(hidden(), [18, 6]), params.weight, false, true);
    expectClose(applyHead(params as HeadParams, hidden(), linear), tf.reshape(rows, [2, 9, 5]));
    const none: HeadConfig = { kind: 'mlp', inFeatures: 6, hidden: 4, out: 5, layers: 0 };
    expect(() => initHead(none, testRng, 'p')).toThrow(/layers is 0/);
  });
});
