import { expectClose, testValues } from '@ahpa/test-utils';
import { disposeTree, eagerStepper, type Metrics } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { targetSource } from '../src/variants/targets.ts';
import { TINY_VAE, tinyConfig } from './tiny.ts';
import { KINDS, toyRun } from './toy-run.ts';

const first = (set: readonly string[]): Metrics => {
  const { step, init, batch } = toyRun(set);
  return step(init(), batch(0)).metrics;
};
const value = (metrics: Metrics, name: string): number => metrics[name]?.dataSync()[0] as number;

describe.each(KINDS)('%s', (_name, set) => {
  it('keeps the number of live tensors constant over steps', () => {
    const { step, init, batch } = toyRun(set);
    const stepper = eagerStepper(step, init());
    const counts = [0, 1, 2, 3].map((k) => {
      const given = batch(k);
      tf.dispose(Object.values(stepper.step(given)));
      disposeTree(given);
      return tf.memory().numTensors;
    });
    expect(new Set(counts).size).toBe(1);
    stepper.dispose();
  });
});

describe('the loss', () => {
  it('of ahpa starts as the mean over groups, for the router starts even', () => {
    const metrics = first(['alignment.router.balance=0']);
    const groups = ['fine', 'mid', 'coarse'].map((group) => value(metrics, `alignment.group.${group}`));
    expect(value(metrics, 'alignmentLoss')).toBeCloseTo(groups.reduce((a, b) => a + b, 0) / 3, 5);
    expectClose(metrics['alignment.route'] as tf.Tensor, tf.fill([21, 3], 1 / 3));
  });

  it('is the denoising loss plus the weighted alignment loss', () => {
    const metrics = first(['alignment.weight=3']);
    const sum = value(metrics, 'denoisingLoss') + 3 * value(metrics, 'alignmentLoss');
    expect(value(metrics, 'loss')).toBeCloseTo(sum, 5);
  });
});

describe('batches', () => {
  it('of sra2 carry the latent cut into patches', () => {
    const { batch } = toyRun(['alignment.kind=sra2', 'model.size.patchSize=2']);
    const { latent, targets } = batch(0);
    const [tokens] = targets as tf.Tensor[];
    expect(tokens?.shape).toEqual([3, 4, 16]);
    // token 1 is the square of rows 0, 1 and columns 2, 3; channel 1 of its pixel (1, 0) is value 1 * 4 + 2
    const cut = (tokens as tf.Tensor3D).arraySync();
    expect(cut[0]?.[1]?.[6]).toBe(latent.mean.arraySync()[0]?.[1]?.[2]?.[1]);
  });

  it('widen float16 tokens exactly', () => {
    const { batch } = toyRun([]);
    const [fine] = batch(0).targets as tf.Tensor[];
    const half = Math.fround(testValues(6, 0)[0] as number);
    expect(fine?.dataSync()[0]).toBeCloseTo(half, 3);
    expect(fine?.shape).toEqual([3, 16, 6]);
  });
});

describe('targetSource', () => {
  it('takes groups from the configuration in its order', () => {
    const { alignment } = tinyConfig('unused', [
      'alignment.groups={"b":["latent"],"a":["conv_in","mid.attn_1"]}',
    ]);
    expect(targetSource(alignment, TINY_VAE)).toEqual({
      groups: [
        { name: 'b', taps: ['latent'] },
        { name: 'a', taps: ['conv_in', 'mid.attn_1'] },
      ],
      latent: false,
    });
  });
});
