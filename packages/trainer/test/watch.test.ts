import { flatten } from '@ahpa/ops';
import type { Alignment, Metrics, Tree } from '@ahpa/ports';
import { expectClose } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initState, type TrainDeps, trainStep } from '../src/index.ts';
import { constantWeight, deps, options, type ToyHead, type ToyParams, toyBatch, values } from './toy.ts';

type Wired = TrainDeps<ToyParams, ToyHead, tf.Tensor3D>;

/** The toy with other alignment members, and another weight. */
const wired = (changes: Partial<Alignment<ToyHead, tf.Tensor3D>>, weight = deps.weight): Wired => ({
  ...deps,
  alignment: { ...deps.alignment, ...changes },
  weight,
});
/** A loss that is its own distance. */
const plain = (loss: tf.Scalar, metrics: Metrics = {}) => ({ loss, distance: loss, observed: {}, metrics });
const headless = { init: () => ({}) as ToyHead };
const step = (parts: Wired, size = 4, split = false) => {
  const batches = split ? [toyBatch(0, 1), toyBatch(1, size - 1)] : toyBatch(0, size);
  return trainStep(parts, initState(parts, parts.rng, options.ema), batches, options);
};
const ratio = (metrics: Metrics, name: string): number =>
  tf.div(metrics[`${name}.sum`] as tf.Tensor, metrics[`${name}.count`] as tf.Tensor).dataSync()[0] as number;

/** Two terms that read the tokens in branches of their own: the mean token value, and half its opposite. */
const opposed = wired(
  {
    ...headless,
    loss: (_, { branch }) => {
      const [up, down] = [tf.mean(branch('up', 0)), tf.mean(branch('down', 0))];
      return plain(tf.sub(up, tf.div(down, 2)));
    },
  },
  constantWeight(1),
);

describe('gradients at the hidden tokens', () => {
  test('of terms that pull opposite ways have opposite cosines and their own norms', () => {
    const { metrics } = step(opposed);
    // d mean / d tokens of an item, times the batch: 1 / sqrt(16) with 16 values an item
    expect(ratio(metrics, 'gradient.up')).toBeCloseTo(1 / 4, 5);
    expect(ratio(metrics, 'gradient.down')).toBeCloseTo(1 / 8, 5);
    expect(ratio(metrics, 'gradient.alignment')).toBeCloseTo(1 / 8, 5);
    expect(ratio(metrics, 'gradientCosine.up')).toBeCloseTo(-ratio(metrics, 'gradientCosine.down'), 5);
    expect(ratio(metrics, 'gradientCosine.up')).toBeCloseTo(ratio(metrics, 'gradientCosine.alignment'), 5);
    expect(Math.abs(ratio(metrics, 'gradientCosine.up'))).toBeGreaterThan(1e-3);
    const binned = tf.sum(metrics['gradientCosineByTime.alignment.sum'] as tf.Tensor);
    expectClose(binned, metrics['gradientCosine.alignment.sum'] as tf.Tensor, { atol: 1e-5 });
  });

  test('an alignment that follows the denoising loss has cosine 1', () => {
    const same = wired(
      {
        // the toy's velocity is its hidden tokens, so its own loss is this mean square against noise - x0
        loss: (_, { hidden }, { x0, noise }) => {
          const velocity = tf.reshape(tf.sub(noise, x0), (hidden[0] as tf.Tensor).shape);
          return plain(tf.mean(tf.square(tf.sub(hidden[0] as tf.Tensor, velocity))));
        },
        ...headless,
      },
      constantWeight(2),
    );
    const { metrics } = step(same);
    expect(ratio(metrics, 'gradientCosine.alignment')).toBeCloseTo(1, 4);
    expect(ratio(metrics, 'gradient.alignment') / ratio(metrics, 'gradient.denoising')).toBeCloseTo(2, 4);
  });

  test('are those of the whole batch when it comes in parts', () => {
    const [whole, parts] = [step(deps).metrics, step(deps, 4, true).metrics];
    for (const name of ['gradient.denoising', 'gradient.alignment', 'gradientCosine.alignment']) {
      expect(ratio(parts, name)).toBeCloseTo(ratio(whole, name), 5);
    }
  });

  test('are absent where the denoiser has no taps', () => {
    const blind: Wired = {
      ...deps,
      denoiser: { ...deps.denoiser, apply: (params, xt, t, y) => deps.denoiser.apply(params, xt, t, y) },
    };
    expect(Object.keys(step(blind).metrics)).not.toContain('gradient.alignment.sum');
  });
});

describe('the states of an alignment and of its weight', () => {
  type Sum = { readonly sum: tf.Tensor };
  type Counted = { readonly steps: tf.Tensor; readonly loss: tf.Tensor };
  /** A sum over the items of a batch, beside the toy's loss. */
  const observing = wired(
    {
      initState: () => ({ steps: tf.scalar(0), loss: tf.scalar(0) }),
      loss: (...given) => {
        const aligned = deps.alignment.loss(...given);
        return { ...aligned, observed: { sum: tf.mul(aligned.loss, given[2].t.size) } };
      },
      update: (state, { observed }) => ({
        steps: tf.add((state as Counted).steps, 1),
        loss: tf.clone((observed as Sum).sum),
      }),
    },
    {
      initState: () => ({ steps: tf.scalar(0), loss: tf.scalar(0) }),
      weight: (_, state) => tf.add((state as Counted).steps, 1) as tf.Scalar,
      update: (state, { distance }) => ({
        steps: tf.add((state as Counted).steps, 1),
        loss: tf.clone(distance),
      }),
    },
  );
  const own = (memory: { readonly own: Tree }): Counted => memory.own as Counted;

  test.each([false, true])('are updated from the whole batch and weigh the next (in parts: %s)', (split) => {
    const first = step(observing, 4, split);
    expectClose(first.metrics['alignmentWeight'] as tf.Tensor, tf.scalar(1));
    const loss = first.metrics['alignmentLoss'] as tf.Tensor;
    expectClose((first.state.memory.schedule as Counted).loss, loss);
    expectClose(own(first.state.memory).loss, tf.mul(loss, 4));
    const { metrics } = trainStep(observing, first.state, toyBatch(0, 4), options);
    expectClose(metrics['alignmentWeight'] as tf.Tensor, tf.scalar(2));
  });

  test('stay as they were where a step is skipped', () => {
    const first = step(observing).state;
    const { state } = trainStep(observing, first, toyBatch(0, 4, true), options);
    expect(values(flatten(state.memory))).toEqual(values(flatten(first.memory)));
  });
});

test('targets are made outside the gradient, from the averaged denoiser at another time', () => {
  const seen: number[][] = [];
  const self = wired({
    targets: ({ teacher, t, u }) => {
      const earlier = tf.maximum(tf.sub(t, tf.mul(u, 0.2)), 0) as tf.Tensor1D;
      seen.push([...t.dataSync()], [...earlier.dataSync()]);
      return teacher(earlier).hidden[0] as tf.Tensor3D;
    },
    loss: (params, { hidden }, { targets }) => {
      const error = tf.sub(tf.mul(hidden[0] as tf.Tensor3D, params.head), targets);
      return plain(tf.mean(tf.square(error)), { target: tf.mean(targets) });
    },
  });
  const { metrics } = step(self);
  const [t, earlier] = seen as [number[], number[]];
  t.forEach((time, i) => {
    expect(earlier[i]).toBeLessThanOrEqual(time);
    expect(earlier[i]).toBeGreaterThan(time - 0.2);
  });
  const own = step(deps).metrics;
  expect(metrics['alignment.target']?.dataSync()[0]).not.toBeCloseTo(
    own['alignment.error']?.dataSync()[0] as number,
    3,
  );
});
