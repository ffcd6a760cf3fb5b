import { flatten, mapTree, philox } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { expectClose, expectLive, fromGolden, type GoldenTensor, readGolden } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  type AdamState,
  initState,
  matchesPath,
  type OptimizerOptions,
  optimizer,
  orthogonalize,
  type StepOptions,
  trainStep,
} from '../src/index.ts';
import { deps, options, type ToyState, toyBatch, values } from './toy.ts';

type Weights = { readonly wide: GoldenTensor; readonly tall: GoldenTensor; readonly bias: GoldenTensor };
interface GoldenFile {
  readonly initial: Weights;
  readonly gradients: readonly Weights[];
  readonly snapshots: Readonly<Record<string, Readonly<Record<'params' | 'momentum', Weights>>>>;
}

const golden = readGolden<GoldenFile>(import.meta.url, 'muon.json');
const load = ({ wide, tall, bias }: Weights) => ({
  wide: fromGolden(wide),
  tall: fromGolden(tall),
  bias: fromGolden(bias),
});

const MUON: OptimizerOptions = {
  weightDecay: 0.1,
  muon: { momentum: 0.95, match: ['*'] },
  groups: [{ match: 'tall', learningRate: 0.5, weightDecay: 0.3 }],
};

test('30 steps equal torch.optim.Muon for matrices in two groups, and AdamW for the rest', () => {
  const { init, update } = optimizer(MUON);
  let params = load(golden.initial);
  let moments = init(params) as AdamState<typeof params>;
  const [lr, applied] = [tf.scalar(1e-2), tf.scalar(1)];
  expect(flatten(moments.v).map(({ shape }) => shape)).toEqual([[], [], [3]]);
  golden.gradients.forEach((gradient, step) => {
    const count = tf.scalar(step, 'int32');
    const next = update(params, load(gradient), moments, count, lr, applied);
    params = next.params;
    moments = next.state as typeof moments;
    const snapshot = golden.snapshots[step + 1];
    if (snapshot === undefined) return;
    for (const name of ['wide', 'tall', 'bias'] as const) {
      expectClose(params[name], snapshot.params[name], { atol: 1e-6, rtol: 1e-5 });
    }
    for (const name of ['wide', 'tall'] as const) {
      expectClose(moments.m[name], snapshot.momentum[name], { atol: 1e-6, rtol: 1e-5 });
    }
  });
});

describe('orthogonalize', () => {
  test.each([
    [4, 9],
    [9, 4],
    [5, 5],
  ])('makes a %i x %i matrix nearly orthogonal, whatever its scale', (rows, columns) => {
    const matrix = philox(1).normal([rows, columns], 'matrix');
    const result = expectLive(() => orthogonalize(matrix), 1);
    const small = rows > columns ? tf.matMul(result, result, true) : tf.matMul(result, result, false, true);
    const gap = tf.sub(small, tf.eye(Math.min(rows, columns)));
    expect(tf.sqrt(tf.mean(tf.square(tf.sum(tf.mul(gap, gap), 1)))).dataSync()[0]).toBeLessThan(0.25);
    expectClose(orthogonalize(tf.mul(matrix, 1000)), result, { atol: 1e-4, rtol: 1e-4 });
  });

  test('of zeros is zeros', () => {
    expect([...orthogonalize(tf.zeros([2, 3])).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('optimizer', () => {
  test('a group without a difference changes nothing, and owns three tensors a leaf', () => {
    const plain = optimizer({ weightDecay: 0.1 });
    const grouped = optimizer({ groups: [{ match: '*', weightDecay: 0.1 }] });
    const [p, g] = [load(golden.initial), load(golden.gradients[0] as Weights)];
    const moments = plain.init(p);
    const [step, lr, applied] = [tf.scalar(0, 'int32'), tf.scalar(1e-2), tf.scalar(1)];
    const wanted = plain.update(p, g, moments, step, lr, applied);
    const got = expectLive(() => grouped.update(p, g, moments, step, lr, applied), 9);
    expect(values(flatten(got))).toEqual(values(flatten(wanted)));
  });

  test('the first group that matches counts, and a rate of 0 freezes', () => {
    const groups = [
      { match: 'tall', learningRate: 0 },
      { match: 't*', learningRate: 9 },
    ];
    const { init, update } = optimizer({ ...MUON, groups });
    const p = load(golden.initial);
    const g = load(golden.gradients[0] as Weights);
    const { params } = update(p, g, init(p), tf.scalar(0, 'int32'), tf.scalar(1e-2), tf.scalar(1));
    expect(values([params.tall])).toEqual(values([p.tall]));
    expect(values([params.wide])).not.toEqual(values([p.wide]));
  });

  test('refuses a pattern that no parameter matches', () => {
    const tree: Tree = { blocks: [{ weight: tf.zeros([2, 2]) }] };
    const groups = [{ match: 'block.*' }];
    expect(() => optimizer({ groups }).init(tree)).toThrow(
      'no parameter matches "block.*"; parameters have names like blocks.0.weight',
    );
  });

  test('patterns are literal but for the star', () => {
    expect(matchesPath('blocks.*.weight', 'blocks.0.attn.weight')).toBe(true);
    expect(matchesPath('blocks.0', 'blocks.01')).toBe(false);
    expect(matchesPath('a.b', 'axb')).toBe(false);
    expect(matchesPath('*.bias', 'x.bias')).toBe(true);
  });
});

describe('a run with Muon, groups, clipping and several averages', () => {
  const moved: typeof deps = {
    ...deps,
    optimizer: optimizer({
      weightDecay: 0.01,
      muon: { momentum: 0.9, match: ['denoiser.weight'] },
      groups: [{ match: 'alignment.*', learningRate: 0.1, weightDecay: 0 }],
    }),
  };
  const chosen: StepOptions = { ...options, ema: [...options.ema, { sigmaRel: 0.1 }, { sigmaRel: 0.05 }] };
  const advance = (state: ToyState, from: number, until: number, c = chosen): ToyState => {
    let current = state;
    for (let k = from; k < until; k++) current = trainStep(moved, current, toyBatch(4 * k, 4), c).state;
    return current;
  };
  const start = () => initState(moved, philox(3), chosen.ema);
  const kept = ({ params, ema, moments }: ToyState) => values(flatten({ params, ema, moments }));

  test('continues bit for bit from a copy of its state', () => {
    const copy = mapTree(
      (leaf) => tf.tensor(leaf.dataSync(), leaf.shape, leaf.dtype),
      advance(start(), 0, 3),
    );
    expect(values(flatten(advance(copy, 3, 6)))).toEqual(values(flatten(advance(start(), 0, 6))));
  });

  test.each([1, null])(
    'skips what is not finite, leaving everything bit-identical (clip %s)',
    (maxGradNorm) => {
      const c = { ...chosen, optim: { ...chosen.optim, maxGradNorm } };
      const before = advance(start(), 0, 3, c);
      const { state: after } = trainStep(moved, before, toyBatch(0, 4, true), c);
      expect(kept(after)).toEqual(kept(before));
      expect(kept(advance(after, 3, 4, c))).not.toEqual(kept(before));
    },
  );

  test('micro-batches equal the whole batch', () => {
    const whole = trainStep(moved, advance(start(), 0, 2), toyBatch(8, 6), chosen).state;
    const parts = trainStep(moved, advance(start(), 0, 2), [toyBatch(8, 3), toyBatch(11, 3)], chosen).state;
    const wanted = flatten(whole);
    for (const [i, leaf] of flatten(parts).entries()) {
      expectClose(leaf, wanted[i] as tf.Tensor, { atol: 1e-6, rtol: 1e-5 });
    }
  });
});
