import { flatten, mapTree } from '@ahpa/ops';
import { expectClose, expectLive, fromGolden, type GoldenTensor, readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type AdamState, clipScale, globalNorm, optimizer, scaleGradients, updateEma } from '../src/index.ts';

type Golden = { readonly weight: GoldenTensor; readonly bias: GoldenTensor };
interface GoldenFile {
  readonly initial: Golden;
  readonly gradients: readonly Golden[];
  readonly runs: readonly {
    readonly weightDecay: number;
    readonly norms: readonly number[];
    readonly snapshots: Readonly<Record<string, Readonly<Record<'params' | 'm' | 'v' | 'ema', Golden>>>>;
  }[];
}

const golden = readGolden<GoldenFile>(import.meta.url, 'adamw.json');
const load = (tree: Golden) => ({ weight: fromGolden(tree.weight), bias: fromGolden(tree.bias) });
// A few units in the last place of O(1) values.
const exact = { atol: 2e-7, rtol: 1e-6 };

function expectTree(actual: ReturnType<typeof load>, expected: Golden): void {
  expectClose(actual.weight, expected.weight, exact);
  expectClose(actual.bias, expected.bias, exact);
}

describe.each(golden.runs)('100 clipped steps with weight decay $weightDecay', (run) => {
  test('equal torch.optim.AdamW, clip_grad_norm_ and an averaged copy', () => {
    const { update } = optimizer({ weightDecay: run.weightDecay });
    const [lr, applied] = [tf.scalar(1e-2), tf.scalar(1)];
    let params = load(golden.initial);
    let ema = load(golden.initial);
    let moments: AdamState<typeof params> = {
      m: mapTree(tf.zerosLike, params),
      v: mapTree(tf.zerosLike, params),
    };
    golden.gradients.forEach((gradient, step) => {
      const grads = load(gradient);
      const norm = globalNorm(grads);
      expectClose(norm, { shape: [], data: [run.norms[step] as number] }, exact);
      const clipped = scaleGradients(grads, clipScale(norm, 2));
      const count = tf.scalar(step, 'int32');
      const next = update(params, clipped, moments, count, lr, applied);
      params = next.params;
      moments = next.state as typeof moments;
      ema = updateEma(ema, params, tf.scalar(0.01));
      const snapshot = run.snapshots[step + 1];
      if (snapshot === undefined) return;
      expectTree(params, snapshot.params);
      expectTree(moments.m, snapshot.m);
      expectTree(moments.v, snapshot.v);
      expectTree(ema, snapshot.ema);
    });
  });
});

describe('AdamW', () => {
  const params = () => load(golden.initial);
  const grads = () => load(golden.gradients[0] as Golden);

  test('owns three tensors a leaf', () => {
    const moments = { m: params(), v: params() };
    const [p, g] = [params(), grads()];
    const [step, lr, applied] = [tf.scalar(3, 'int32'), tf.scalar(1e-2), tf.scalar(1)];
    expectLive(() => optimizer({ weightDecay: 0.1 }).update(p, g, moments, step, lr, applied), 6);
  });

  test('an update that is not applied changes nothing', () => {
    const moments = { m: grads(), v: mapTree(tf.square, grads()) };
    const before = { params: params(), state: moments };
    const zeros = mapTree(tf.zerosLike, grads());
    const after = optimizer({ weightDecay: 0.1 }).update(
      before.params,
      zeros,
      moments,
      tf.scalar(5, 'int32'),
      tf.scalar(1),
      tf.scalar(0),
    );
    expect(flatten(after).map((leaf) => leaf.dataSync())).toEqual(
      flatten(before).map((leaf) => leaf.dataSync()),
    );
  });

  test('the first step is exact to float32 however small 1 - beta2', () => {
    const { update } = optimizer({ betas: [0.9, 0.99999], epsilon: 0 });
    const moments = { m: tf.scalar(0), v: tf.scalar(0) };
    const { params: next } = update(
      tf.scalar(0) as tf.Tensor,
      tf.scalar(3) as tf.Tensor,
      moments,
      tf.scalar(0, 'int32'),
      tf.scalar(1),
      tf.scalar(1),
    );
    expectClose(next, { shape: [], data: [-1] }, { atol: 0, rtol: 5e-7 });
  });
});
