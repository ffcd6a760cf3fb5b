import { eagerStepper, readTensors, restoreTree } from '@ahpa/engine';
import { disposeTree, flatten, mapTree, unflatten } from '@ahpa/ops';
import type { AlignmentInputs, Batch, Metrics, Tree } from '@ahpa/ports';
import { TINY_VAE } from '@ahpa/test-fixtures';
import { expectClose, testValues } from '@ahpa/test-utils';
import { meanRow, readWindow } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { targetSource } from '../../src/models/alignment.ts';
import type { GradientRow } from '../../src/records/stats.ts';
import { statsRow } from '../../src/records/stats-row.ts';
import { tinyConfig } from '../tiny.ts';
import { KINDS, toyRun } from '../toy-run.ts';

const first = (set: readonly string[]): Metrics => {
  const { step, init, batch } = toyRun(set);
  return step(init(), batch(0)).metrics;
};
const value = (metrics: Metrics, name: string): number => metrics[name]?.dataSync()[0] as number;

describe.each(KINDS)('%s', (_name, set) => {
  it('keeps the number of live tensors constant over steps', () => {
    const { step, init, batch } = toyRun(set);
    const stepper = eagerStepper(step, init());
    const counts = [0, 1, 2].map((k) => {
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

describe('the targets of sra2', () => {
  it.each(['sample', 'mean'] as const)('are the latent cut into patches: %s', (of) => {
    const set = ['alignment.kind=sra2', 'model.size.patchSize=2', `alignment.latent=${of}`];
    const { batch, deps } = toyRun(set);
    const { latent, targets: none } = batch(0);
    expect(none).toEqual([]);
    const [x0, mean] = [tf.add(latent.mean, latent.std) as tf.Tensor4D, latent.mean];
    const inputs = { x0, mean, targets: none, state: {} } as unknown as AlignmentInputs<Tree, Tree>;
    const tokens = deps.alignment.targets(inputs) as tf.Tensor3D;
    expect(tokens.shape).toEqual([3, 4, 16]);
    // token 1 is the square of rows 0, 1 and columns 2, 3; channel 1 of its pixel (1, 0) is value 1 * 4 + 2
    const cut = tokens.arraySync();
    const source = of === 'sample' ? x0 : mean;
    expect(cut[0]?.[1]?.[6]).toBe(source.arraySync()[0]?.[1]?.[2]?.[1]);
  });
});

describe('batches', () => {
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
    });
  });
});

const OWN_TARGETS = ['none', 'sra', 'sra2'];

describe.each(KINDS.filter(([name]) => !OWN_TARGETS.includes(name)))('%s', (_name, set) => {
  it.each([
    ['zero', 0],
    ['tiny', 1e-8],
    ['constant', undefined],
  ] as const)('has finite loss and gradients for %s features', (_, factor) => {
    const { step, init, batch } = toyRun(set);
    const given = batch(0);
    const changed = (leaf: tf.Tensor): tf.Tensor =>
      factor === undefined ? tf.fill(leaf.shape, 2) : tf.mul(leaf, factor);
    const { metrics } = step(init(), { ...given, targets: mapTree(changed, given.targets) });
    for (const [name, metric] of Object.entries(metrics)) {
      expect([...metric.dataSync()].every(Number.isFinite), name).toBe(true);
    }
    expect(value(metrics, 'applied')).toBe(1);
  });
});

it('ahpa has finite loss and gradients with one group missing', () => {
  const { step, init, batch } = toyRun([]);
  const given = batch(0);
  const [fine, ...others] = given.targets as tf.Tensor[];
  const { metrics } = step(init(), { ...given, targets: [tf.zerosLike(fine as tf.Tensor), ...others] });
  expect(value(metrics, 'applied')).toBe(1);
  expect(value(metrics, 'alignment.group.fine')).toBe(1);
  expect(value(metrics, 'gradNorm.router')).toBeGreaterThan(0);
});

describe('what alignments remember', () => {
  const set = [
    'alignment.router={"kind":"measured","train":"gap"}',
    'alignment.schedule={"kind":"release","warmup":2,"fast":0.5,"slow":0.9,"ramp":4,"latest":50}',
  ];

  it('is saved and read with the rest of a state, and training goes on as if nothing had happened', async () => {
    const { step, init, batch } = toyRun(set);
    let state = init();
    for (const k of [0, 1, 2]) state = step(state, batch(k)).state;
    const tensors = await readTensors(state);
    expect(Object.keys(tensors)).toContain('memory.own.router.distances.mean');
    expect(Object.keys(tensors)).toContain('memory.schedule.since');
    const restored = restoreTree(init(), tensors, 'test');
    const [went, goes] = [state, restored].map((from) => flatten(step(from, batch(3)).state));
    goes?.forEach((leaf, i) => {
      expectClose(leaf, went?.[i] as tf.Tensor, { atol: 0, rtol: 0 });
    });
  });

  it('adds up over the parts of a batch', () => {
    const { step, init, batch } = toyRun(set);
    const [first, second] = [batch(0), batch(1)];
    const whole = joined(first, second);
    const memory = (parts: Parameters<typeof step>[1]) => step(init(), parts).state.memory;
    const [apart, together] = [memory([first, second]), memory(whole)].map(flatten);
    apart?.forEach((leaf, i) => {
      expectClose(leaf, together?.[i] as tf.Tensor, { atol: 1e-6 });
    });
  });
});

/** Two batches as one. */
function joined(first: Batch<Tree>, second: Batch<Tree>): Batch<Tree> {
  const others = flatten(second);
  return unflatten(
    first,
    flatten(first).map((leaf, i) => tf.concat([leaf, others[i] as tf.Tensor])),
  );
}

describe('statsRow', () => {
  const moment = { step: 1, images: 3, seconds: 1, stepsPerSecond: 1, imagesPerSecond: 3, memory: 1 };

  it('tells weights, shares, gradients and distances by group', async () => {
    const row = meanRow(await readWindow([first(['alignment.router.balance=0'])]));
    const told = statsRow(moment, row, true);
    expect(told.alignmentWeight).toBeCloseTo(0.5);
    expect(told.routerEntropy).toBeCloseTo(Math.log(3), 4);
    expect(told.maxLogit).toBe(0);
    expect(told.marginals).toEqual({
      fine: expect.closeTo(1 / 3, 5),
      mid: expect.closeTo(1 / 3, 5),
      coarse: expect.closeTo(1 / 3, 5),
    });
    expect(Object.keys(told.groupByTime ?? {})).toEqual(['fine', 'mid', 'coarse']);
    expect(told.groupByTime?.['fine']).toHaveLength(10);
    const { norm, cosine, cosineByTime, parameters } = told.gradients as GradientRow;
    expect(Object.keys(norm)).toEqual(
      expect.arrayContaining(['denoising', 'alignment', 'fine', 'mid', 'coarse']),
    );
    for (const cos of Object.values(cosine)) expect(Math.abs(cos)).toBeLessThanOrEqual(1);
    expect(cosineByTime['mid']).toHaveLength(10);
    expect(Object.keys(parameters)).toEqual(['projectors', 'router']);
    const none = meanRow(await readWindow([first(['alignment.kind=none'])]));
    expect(statsRow(moment, none, false)).not.toHaveProperty('gradients');
  });
});
