import { flatten, mapTree, philox } from '@ahpa/ops';
import type { Metrics, Rng } from '@ahpa/ports';
import { expectClose, expectLive } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { initState, trainStep, WIDEST_SIGMA } from '../src/index.ts';
import { CLASSES, deps, newState, options, type ToyBatch, type ToyState, toyBatch, values } from './toy.ts';

const step = (state: ToyState, batch: ToyBatch | readonly ToyBatch[], c = options) =>
  trainStep(deps, state, batch, c);

/** The state after steps `from` to `until`, one batch of four each. */
function advance(state: ToyState, from: number, until: number): ToyState {
  let current = state;
  for (let k = from; k < until; k++) current = step(current, toyBatch(4 * k, 4)).state;
  return current;
}

const average = (state: ToyState, i: number) => state.ema[i] as ToyState['params'];

const value = (tensor: tf.Tensor): number => tensor.dataSync()[0] as number;
const scalar = (metrics: Metrics, name: string): number => value(metrics[name] as tf.Tensor);

describe('trainStep', () => {
  test('two runs agree bit for bit', () => {
    expect(values(flatten(advance(newState(), 0, 5)))).toEqual(values(flatten(advance(newState(), 0, 5))));
  });

  test('six steps equal three, a copy of the state, and three more', () => {
    const copy = mapTree(
      (leaf) => tf.tensor(leaf.dataSync(), leaf.shape, leaf.dtype),
      advance(newState(), 0, 3),
    );
    expect(values(flatten(advance(copy, 3, 6)))).toEqual(values(flatten(advance(newState(), 0, 6))));
  });

  test('returns a state of the same form and its metrics, and leaves nothing else alive', () => {
    const [state, batch] = [newState(), toyBatch(0, 4)];
    const count = flatten(state).length;
    const sums = (name: string) => [`${name}.sum`, `${name}.count`];
    const names = ['loss', 'denoisingLoss', 'alignmentLoss', 'alignmentWeight', ...sums('denoisingByTime')];
    names.push('alignment.distance', 'alignment.error', 'alignment.peak');
    names.push(...['gradient.denoising', 'gradient.alignment', 'gradientCosine.alignment'].flatMap(sums));
    names.push(
      ...sums('gradientCosineByTime.alignment'),
      'gradNorm.head',
      'gradNorm',
      'learningRate',
      'applied',
    );
    const { state: next, metrics } = expectLive(() => step(state, batch), count + names.length);
    expect(Object.keys(metrics)).toEqual(names);
    expect(flatten(next).map((leaf) => [leaf.shape, leaf.dtype])).toEqual(
      flatten(state).map((leaf) => [leaf.shape, leaf.dtype]),
    );
    const denoisingLoss = scalar(metrics, 'denoisingLoss');
    expect(scalar(metrics, 'loss')).toBeCloseTo(denoisingLoss + 0.5 * scalar(metrics, 'alignmentLoss'), 5);
    expect(value(tf.sum(metrics['denoisingByTime.count'] as tf.Tensor))).toBe(4);
    const binned = value(tf.sum(metrics['denoisingByTime.sum'] as tf.Tensor));
    expect(binned / 4).toBeCloseTo(denoisingLoss, 5);
  });

  test('the averages follow the new parameters', () => {
    const state = newState();
    const { state: next } = step(state, toyBatch(0, 4));
    const [before, after] = [average(state, 0), average(next, 0)];
    const wanted = tf.add(tf.mul(before.denoiser.weight, 0.9), tf.mul(next.params.denoiser.weight, 0.1));
    expectClose(after.denoiser.weight, wanted, { atol: 1e-7, rtol: 1e-6 });
    expect(values([after.alignment.head])).not.toEqual(values([before.alignment.head]));
  });

  test('keeps any number of averages, each at its own pace', () => {
    const ema = [...options.ema, { sigmaRel: WIDEST_SIGMA }, { decay: 0.5 }];
    const several = { ...options, ema };
    let state: ToyState = initState(deps, philox(3), ema);
    let sum = tf.zerosLike(state.params.denoiser.weight);
    for (let k = 0; k < 4; k++) {
      state = step(state, toyBatch(4 * k, 4), several).state;
      sum = tf.add(sum, state.params.denoiser.weight);
    }
    const single = advance(newState(), 0, 4);
    expect(values(flatten(average(state, 0)))).toEqual(values(flatten(average(single, 0))));
    expect(values(flatten(state.params))).toEqual(values(flatten(single.params)));
    expectClose(average(state, 1).denoiser.weight, tf.div(sum, 4), { atol: 1e-6, rtol: 1e-5 });
    expect(values(flatten(average(state, 2)))).not.toEqual(values(flatten(average(state, 0))));
  });

  test('micro-batches of unequal size equal the whole batch', () => {
    const whole = step(newState(), toyBatch(0, 6));
    const [state, batches] = [newState(), [toyBatch(0, 2), toyBatch(2, 4)]];
    const created = flatten(state).length + Object.keys(whole.metrics).length;
    const parts = expectLive(() => step(state, batches), created);
    const pairs = flatten(parts.state).map(
      (leaf, i) => [leaf, flatten(whole.state)[i] as tf.Tensor] as const,
    );
    for (const [part, leaf] of pairs) expectClose(part, leaf, { atol: 1e-6, rtol: 1e-5 });
    for (const name of ['loss', 'gradNorm', 'alignment.error']) {
      expectClose(parts.metrics[name] as tf.Tensor, whole.metrics[name] as tf.Tensor, {
        atol: 0,
        rtol: 1e-5,
      });
    }
    const ratio = (metrics: typeof whole.metrics) =>
      tf.divNoNan(metrics['denoisingByTime.sum'] as tf.Tensor, metrics['denoisingByTime.count'] as tf.Tensor);
    expectClose(ratio(parts.metrics), ratio(whole.metrics), { atol: 1e-6, rtol: 1e-5 });
  });

  test('training lowers the loss of a fixed batch', () => {
    let state = newState();
    const losses: number[] = [];
    for (let k = 0; k < 150; k++) {
      const { state: next, metrics } = step(state, toyBatch(0, 8));
      losses.push(scalar(metrics, 'loss'));
      state = next;
    }
    const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
    expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
  });
});

describe('a step that is not finite', () => {
  test('keeps parameters, moments and averages bit-identical and counts itself', () => {
    const before = advance(newState(), 0, 3);
    const { state: after, metrics } = step(before, toyBatch(0, 4, true));
    const kept = ({ params, ema, moments }: ToyState) => values(flatten({ params, ema, moments }));
    expect(kept(after)).toEqual(kept(before));
    expect([value(after.step), value(after.skipped)]).toEqual([4, 1]);
    expect(scalar(metrics, 'applied')).toBe(0);
    expect(scalar(metrics, 'gradNorm')).toBeNaN();
  });

  test('is skipped without clipping too', () => {
    const before = advance(newState(), 0, 1);
    const { state } = step(before, toyBatch(0, 4, true), {
      ...options,
      optim: { ...options.optim, maxGradNorm: null },
    });
    expect(values(flatten(state.params))).toEqual(values(flatten(before.params)));
  });

  test('does not advance bias correction, but does advance the noise', () => {
    const spoiled = step(newState(), toyBatch(0, 4, true)).state;
    const shifted = { ...newState(), step: tf.scalar(1, 'int32'), skipped: tf.scalar(1, 'int32') };
    const next = step(spoiled, toyBatch(0, 4)).state;
    expect(values(flatten(next.params))).toEqual(values(flatten(step(shifted, toyBatch(0, 4)).state.params)));
    expect(values(flatten(next.params))).not.toEqual(
      values(flatten(step(newState(), toyBatch(0, 4)).state.params)),
    );
  });
});

describe('what the networks see', () => {
  test('posterior sample, path and dropped labels follow from the streams', () => {
    const apply = vi.fn(deps.denoiser.apply);
    const ones = (shape: readonly number[], value: number) => tf.fill([...shape], value);
    const level: Readonly<Record<string, number>> = { posterior: 2, noise: 10, time: 0.25 };
    const rng: Rng = {
      normal: (shape, stream) => ones(shape, level[stream] ?? 0),
      uniform: (shape, stream) =>
        stream === 'dropout' ? tf.tensor1d([0.09, 0.1, 0.5, 0]) : ones(shape, level[stream] ?? 0),
    };
    const batch = toyBatch(0, 4);
    const seen: { xt?: number[]; y?: number[] } = {};
    apply.mockImplementation((params, xt, t, y) => {
      seen.xt = [...xt.dataSync()];
      seen.y = [...y.dataSync()];
      return deps.denoiser.apply(params, xt, t, y);
    });
    trainStep({ ...deps, rng, denoiser: { ...deps.denoiser, apply } }, newState(), batch, options);
    const x0 = [...batch.latent.mean.dataSync()].map((mean) => mean + 0.2);
    seen.xt?.forEach((got, i) => {
      expect(got).toBeCloseTo(0.75 * (x0[i] as number) + 2.5, 5);
    });
    expect(seen.y).toEqual([CLASSES, 1, 2, CLASSES]);
  });
});
