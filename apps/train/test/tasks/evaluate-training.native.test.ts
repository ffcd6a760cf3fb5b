import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvaluationCard } from '@ahpa/evaluation';
import { useTensorFlow } from '@ahpa/libtensorflow';
import { missing, writeTinyVae } from '@ahpa/test-fixtures';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { evaluate } from '../../src/evaluation/evaluate.ts';
import { runExperiment } from '../../src/experiments/experiment.ts';
import { plan } from '../../src/plan/plan.ts';
import { cardPath, referencePath, runFolder } from '../../src/records/folder.ts';
import { BINS, lossSteps, pairedLoss, readLoss, summarize } from '../../src/records/held-out-loss.ts';
import type { Interrupt } from '../../src/run/interrupt.ts';
import { train } from '../../src/run/train.ts';
import { listener, tinyConfig, uninterrupted } from '../tiny.ts';

const GRAPH = '../../../../packages/libtensorflow/test/small-inception.ts';
const NUMBER = 12;

describe.skipIf(missing)('a run that is measured while it trains', () => {
  const runs = mkdtempSync(join(tmpdir(), 'ahpa-measured-'));
  const folder = runFolder(join(runs, 'measured'));
  const graph = join(runs, 'small.pb');
  const reporter = listener();

  beforeAll(async () => {
    process.env['AHPA_CACHE'] = join(runs, 'cache');
    await useTensorFlow();
    const { smallInception } = (await import(GRAPH)) as { smallInception: () => { bytes: Uint8Array } };
    writeFileSync(graph, smallInception().bytes);
    const set = [
      'train.backend=tensorflow',
      'train.seed=3',
      'evaluate.every=3',
      `evaluate.images=${NUMBER}`,
      `evaluate.inception=${graph}`,
      'evaluate.lossEvery=3',
      'evaluate.lossImages=5',
      'data.holdOut=0.3',
    ];
    const config = tinyConfig(await writeTinyVae(runs), set);
    const before = tf.memory().numTensors;
    await train(config, folder, reporter, uninterrupted);
    expect(tf.memory().numTensors).toBe(before);
  }, 300_000);
  afterAll(() => rmSync(runs, { recursive: true, force: true }));

  const cardOf = (step: number): EvaluationCard =>
    JSON.parse(readFileSync(cardPath(folder, step), 'utf8')) as EvaluationCard;

  it('keeps a card every so many steps, of the same noise and labels', () => {
    const [first, last] = [cardOf(3), cardOf(6)];
    expect(first).toMatchObject({ n: NUMBER, drawing: { step: 3, seed: 3, labels: 'balanced', nfe: 2 } });
    expect(Object.keys(first.figures)).toContain(`FID@${NUMBER}`);
    expect(first.reference.sha256).toBe(last.reference.sha256);
    expect(first.figures).not.toEqual(last.figures);
    expect(reporter.said.filter((text) => /^step \d: FID@12 /.test(text))).toHaveLength(2);
  });

  it('has the same figures as the command gives for the same checkpoint', async () => {
    const request = { samples: 'measured', runs, ref: referencePath(folder), inception: graph };
    const { card } = await evaluate({ ...request, n: NUMBER, seed: 3, command: 'ahpa evaluate' }, listener());
    const { figures, drawing, reference } = cardOf(6);
    expect(card.figures).toEqual(figures);
    expect(card.drawing).toEqual({ ...drawing, model: card.drawing?.model });
    expect(card.reference.sha256).toBe(reference.sha256);
  });

  it('keeps the loss of each held-out example in each bin, the same numbers for the same weights', async () => {
    expect(await lossSteps(folder)).toEqual([3, 6]);
    const [first, last] = [await readLoss(folder, 3), await readLoss(folder, 6)];
    expect(last.values.length).toBe(last.n * BINS);
    expect(last.n).toBeGreaterThan(1);
    const { mean, byTime } = summarize(last);
    const average = byTime.reduce((sum, bin) => sum + bin.mean / BINS, 0);
    expect(average).toBeCloseTo(mean, 5);
    expect(Math.max(...byTime.map((bin) => bin.mean))).toBeLessThan(10);
    const paired = pairedLoss(last, first);
    expect(paired.standardError).toBeLessThan(summarize(last).standardError);
    expect(pairedLoss(last, last)).toMatchObject({ mean: 0, standardError: 0 });
    expect(() => pairedLoss(last, { n: 1, values: new Float32Array(BINS) })).toThrow('not paired');
  });
});

describe.skipIf(missing)('a whole experiment', () => {
  const runs = mkdtempSync(join(tmpdir(), 'ahpa-whole-'));
  afterAll(() => rmSync(runs, { recursive: true, force: true }));

  it('trains, generates and evaluates, and goes on at the stage where it stopped', async () => {
    process.env['AHPA_CACHE'] = join(runs, 'cache');
    await useTensorFlow();
    const { smallInception } = (await import(GRAPH)) as { smallInception: () => { bytes: Uint8Array } };
    const graph = join(runs, 'small.pb');
    writeFileSync(graph, smallInception().bytes);
    const set = ['train.backend=tensorflow', `evaluate.inception=${graph}`, `evaluate.finalImages=${NUMBER}`];
    const config = tinyConfig(await writeTinyVae(runs), set);
    const request = { root: join(runs, 'whole'), size: 16, command: 'ahpa run' };
    const stopped = (): Interrupt => uninterrupted(AbortSignal.abort());
    const first = listener();
    expect(await runExperiment(config, request, first, stopped)).toMatchObject({ complete: false });
    expect(first.said.filter((text) => text.startsWith('['))).toHaveLength(2);
    const second = listener();
    const result = await runExperiment(config, request, second, () => uninterrupted());
    expect(result).toMatchObject({
      complete: true,
      card: { n: NUMBER, drawing: { step: 6, labels: 'random' } },
    });
    expect(Object.keys(result.card?.figures ?? {})).toContain(`FID@${NUMBER}`);
    const third = listener();
    expect(await runExperiment(config, request, third, () => uninterrupted())).toEqual(result);
    expect(third.said.find((text) => text.startsWith('[2/4]'))).toBe('[2/4] trained: 6 steps are done');
    expect(third.said.at(-1)).toBe('[4/4] evaluated already');
  });

  it.each(['ahpa', 'repa', 'sra2'])(
    'paper-%s has the settings of the reference and can be planned',
    async (mode) => {
      const config = loadConfig({ names: [`paper-${mode}`], set: [] });
      expect([config.alignment.kind, config.data.kind, config.vae.kind]).toEqual([mode, 'cache', 'file']);
      expect(config.model).toMatchObject({ size: 'SiT-XL/2', encoderDepth: 7 });
      expect(config.optim).toMatchObject({ learningRate: 2e-4, maxGradNorm: 2 });
      expect(config.train).toMatchObject({ batch: 256, steps: 400_000 });
      const request = { runs, trial: false, assume: 'imagenet-256', watts: 10 } as const;
      const planned = await plan(config, request, listener());
      expect(planned.parameters.transformer).toBeGreaterThan(670e6);
      expect(planned.tokens).toBe(256);
    },
  );
});
