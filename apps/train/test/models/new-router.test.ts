import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { configMarkdown } from '../../src/config/document.ts';
import { tinyConfig } from '../tiny.ts';
import { toyRun } from '../toy-run.ts';

/** The package of the routers with one more kind, which weighs groups by the steps that it has counted. */
vi.mock('@ahpa/dynamic-router', async (importOriginal) => {
  const routers = await importOriginal<typeof import('@ahpa/dynamic-router')>();
  const { positive, section } = await import('@ahpa/options');
  const toy = routers.defineRouter({
    kind: 'toy',
    label: 'The first group, more at every step; ours.',
    options: section({ rate: positive(1, 'Of its logit per step; ours.') }),
    create: ({ rate }, { groups }) => ({
      init: () => ({}),
      initState: () => ({ steps: tf.scalar(0) }),
      route: (_, { t, state }) => {
        const { steps } = state as { readonly steps: tf.Tensor };
        const first = tf.oneHot(tf.tensor1d([0], 'int32'), groups.length);
        const weights = tf.softmax(tf.mul(tf.cast(first, 'float32'), tf.mul(steps, rate)));
        return { weights: tf.tile(weights, [t.size, 1]) as tf.Tensor2D };
      },
      observe: () => ({}),
      update: (state) => ({ steps: tf.add((state as { readonly steps: tf.Tensor }).steps, 1) }),
    }),
  });
  return { ...routers, toy, routers: { ...routers.routers, toy } };
});

const SET = ['alignment.router={"kind":"toy"}'];

it('a new built-in router is one new file and one line that exports it: its options are resolved', () => {
  expect(tinyConfig('unused', SET).alignment).toMatchObject({
    kind: 'ahpa',
    router: { kind: 'toy', rate: 1 },
  });
});

it('refuses an option that it does not have, and what it cannot do', () => {
  expect(() => tinyConfig('unused', ['alignment.router={"kind":"toy","rat":1}'])).toThrow(
    'alignment.router: unknown key "rat", the nearest is "rate"',
  );
  expect(() => tinyConfig('unused', [...SET, 'alignment.mix=gate'])).toThrow(/alignment\.router: wanted/);
});

it('is in the document', () => {
  expect(configMarkdown()).toContain(
    '- `alignment.router.kind` = `"toy"`. The first group, more at every step; ours.',
  );
});

it('trains, and its state goes from step to step', () => {
  const { step, init, batch } = toyRun(SET);
  let state = init();
  for (const k of [0, 1, 2]) {
    const { state: next, metrics } = step(state, batch(k));
    state = next;
    const route = metrics['alignment.route'] as tf.Tensor;
    expect(route.shape).toEqual([21, 3]);
    expect(route.dataSync()[0]).toBeCloseTo(Math.exp(k) / (Math.exp(k) + 2), 5);
    expect(metrics['applied']?.dataSync()[0]).toBe(1);
  }
  expect((state.memory.own as { router: { steps: tf.Tensor } }).router.steps.dataSync()[0]).toBe(3);
});
