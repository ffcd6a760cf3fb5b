import { flatten } from '@ahpa/ops';
import type { Denoiser } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { trainStep } from '../src/index.ts';
import { deps, newState, options, type ToyParams, type ToyState, toyBatch, values } from './toy.ts';

const BAD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** The denoiser with `bad` added to one element of one parameter's gradient, and nothing to its value. */
function poisoned(leaf: keyof ToyParams, element: number, bad: number): Denoiser<ToyParams> {
  const poison = tf.customGrad((x) => {
    return {
      value: tf.clone(x as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        const drop = tf.buffer(dy.shape, 'float32');
        drop.values[element] = bad;
        return tf.add(dy, drop.toTensor());
      },
    };
  });
  return {
    init: deps.denoiser.init,
    apply: (params, xt, t, y) => deps.denoiser.apply({ ...params, [leaf]: poison(params[leaf]) }, xt, t, y),
  };
}

const kept = ({ params, ema, moments, memory }: ToyState) =>
  values(flatten({ params, ema, moments, memory }));

/** Fifty places: elements of each parameter's gradient in turn, each with NaN or an infinity. */
const PLACES = Array.from({ length: 47 }, (_, k): [keyof ToyParams, number, number] => {
  const leaf = (['weight', 'time', 'table'] as const)[k % 3] as keyof ToyParams;
  return [leaf, (k * 5) % (leaf === 'time' ? 4 : 16), BAD[k % BAD.length] as number];
});

describe('a number that is not finite', () => {
  test.each(PLACES)('in the gradient of %s at %i (%d) changes nothing', (leaf, element, bad) => {
    const before = trainStep(deps, newState(), toyBatch(0, 4), options).state;
    const broken = { ...deps, denoiser: poisoned(leaf, element, bad) };
    const { state, metrics } = trainStep(broken, before, toyBatch(4, 4), options);
    expect(kept(state)).toEqual(kept(before));
    expect(metrics['applied']?.dataSync()[0]).toBe(0);
    expect(Number.isFinite(metrics['loss']?.dataSync()[0])).toBe(true);
    const counters = [state.step, state.skipped, state.skippedInARow].map((counter) => counter.dataSync()[0]);
    expect(counters).toEqual([2, 1, 1]);
  });

  test.each(BAD)('in the loss (%d) changes nothing', (bad) => {
    const before = trainStep(deps, newState(), toyBatch(0, 4), options).state;
    const { loss: sound, ...rest } = deps.alignment;
    const alignment: typeof deps.alignment = {
      ...rest,
      loss: (...given) => {
        const aligned = sound(...given);
        return { ...aligned, loss: tf.add(aligned.loss, bad) };
      },
    };
    const { state, metrics } = trainStep({ ...deps, alignment }, before, toyBatch(4, 4), options);
    expect(kept(state)).toEqual(kept(before));
    expect(metrics['applied']?.dataSync()[0]).toBe(0);
  });
});
