import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { configMarkdown } from '../../src/config/document.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { tinyConfig } from '../tiny.ts';
import { toyRun } from '../toy-run.ts';

/** The package of the alignments with one more kind, as one more file and one more line of its index would make it. */
vi.mock('@ahpa/alignment-losses', async (importOriginal) => {
  const losses = await importOriginal<typeof import('@ahpa/alignment-losses')>();
  const { count, positive, section } = await import('@ahpa/options');
  const toy = losses.defineAlignment({
    kind: 'toy',
    label: 'Tokens of a size; ours.',
    options: section({
      weight: positive(0.25, 'Weight of the loss; ours.'),
      until: count(2, 'The first step without; ours.'),
      size: positive(3, 'Wanted of every channel; ours.'),
    }),
    weight: ({ weight, until }) => losses.weightSchedule({ weight, schedule: { kind: 'step', at: until } }),
    create: ({ size }, { hiddenSize }) =>
      losses.completeAlignment<{ scale: tf.Tensor }>({
        init: (rng) => ({ scale: rng.normal([hiddenSize], 'init/scale') }),
        loss: ({ scale }, { hidden: [tokens] }) => ({
          loss: tf.mean(tf.square(tf.sub(tf.mul(tokens as tf.Tensor3D, scale), size))),
        }),
      }),
  });
  return { ...losses, toy, alignments: { ...losses.alignments, toy } };
});

const SET = ['alignment.kind=toy'];

it('a new built-in alignment is one new file and one line that exports it: its options are resolved', () => {
  expect(tinyConfig('unused', SET).alignment).toEqual({ kind: 'toy', weight: 0.25, until: 2, size: 3 });
  expect(tinyConfig('unused', [...SET, 'alignment.size=2']).alignment).toMatchObject({ size: 2 });
});

it('refuses an option that it does not have, and names the nearest', () => {
  expect(() => tinyConfig('unused', [...SET, 'alignment.wieght=1'])).toThrow(
    'alignment: unknown key "wieght", the nearest is "weight"',
  );
  expect(() => tinyConfig('unused', [...SET, 'alignment.size=0'])).toThrow(/alignment\.size: wanted/);
});

it('is in the document and in the schema for editors', () => {
  const text = configMarkdown();
  expect(text).toContain('- `alignment.kind` = `"toy"`. Tokens of a size; ours.');
  expect(text).toMatch(/`alignment\.until` \(integer, .*default `2`\): The first step without; ours\./);
  expect(JSON.stringify(configJsonSchema())).toContain('Tokens of a size; ours.');
});

it('trains, and its weight schedule acts', () => {
  const { step, init, batch } = toyRun(SET);
  let state = init();
  const scale = () => [
    ...((state.params.alignment as { scale: tf.Tensor }).scale.dataSync() as Float32Array),
  ];
  const weights: number[] = [];
  const scales = [scale()];
  for (const k of [0, 1, 2]) {
    const given = batch(k);
    expect(given.targets as Tree).toEqual([]);
    const { state: next, metrics } = step(state, given);
    state = next;
    weights.push(metrics['alignmentWeight']?.dataSync()[0] as number);
    scales.push(scale());
    expect(metrics['applied']?.dataSync()[0]).toBe(1);
    const value = (name: string): number => metrics[name]?.dataSync()[0] as number;
    const sum = value('denoisingLoss') + (weights.at(-1) as number) * value('alignmentLoss');
    expect(value('loss')).toBeCloseTo(sum, 4);
    expect(value('gradNorm.scale') > 0).toBe(k < 2);
  }
  expect(weights).toEqual([0.25, 0.25, 0]);
  expect(scales[1]).not.toEqual(scales[0]);
  expect(state.step.dataSync()[0]).toBe(3);
});
