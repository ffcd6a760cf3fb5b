import { join } from 'node:path';
import { flatten, philox } from '@ahpa/ops';
import { writeTinyVae } from '@ahpa/test-fixtures';
import { temporary } from '@ahpa/test-utils';
import { initState } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { showPlan } from '../../src/cli/plan.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { TrainConfig } from '../../src/config/types.ts';
import { loadAlignment } from '../../src/models/alignment.ts';
import { alignmentSpec, modelConfig } from '../../src/models/shapes.ts';
import { stepOptions, trainDeps } from '../../src/models/wiring.ts';
import { type PlanRequest, plan, trialBatch } from '../../src/plan/plan.ts';
import { planText } from '../../src/plan/plan-text.ts';
import { runTrial } from '../../src/plan/trial-worker.ts';
import type { Plan } from '../../src/plan/types.ts';
import { listener, tinyConfig } from '../tiny.ts';

const home = temporary();
let vae = '';

beforeAll(async () => {
  process.env['AHPA_CACHE'] = join(home, 'cache');
  vae = await writeTinyVae(home);
});

const CALCULATION: PlanRequest = { runs: home, trial: false, watts: 10 };
const imagenet = (...set: string[]): Promise<Plan> =>
  plan(
    loadConfig({ names: ['base'], set: ['data.size=64', ...set] }),
    { ...CALCULATION, assume: 'imagenet-256' },
    listener(),
  );

describe('plan', () => {
  it('counts SiT-XL/2 at batch 256 as published, without data, VAE or memory for it', async () => {
    const { parameters, flopsPerStep, tokens, disk, memory } = await imagenet(
      'model.size=SiT-XL/2',
      'model.encoderDepth=8',
      'alignment.kind=none',
    );
    expect(tokens).toBe(256);
    // DiT's 675,129,632 without the fixed position embedding and the learned variances' half of the last layer.
    expect(parameters).toEqual({ transformer: 675_129_632 - 256 * 1152 - 16 * 1153, alignment: 0 });
    // SiT's paper, table 1: 118.6 Gflops, which are multiply-accumulates, for one image forward.
    expect(flopsPerStep / (256 * 6 * 118.6e9)).toBeCloseTo(1, 2);
    expect(disk.checkpoint).toBe(4 * 4 * parameters.transformer);
    expect(memory['moments']).toBe(8 * parameters.transformer);
  });

  it('counts the alignment exactly, and every average', async () => {
    const set = ['ema={"decay":[0.9,0.99],"sigmaRel":[0.05,0.1]}'];
    const config = tinyConfig(vae, set);
    const { parameters, memory } = await plan(config, CALCULATION, listener());
    const model = modelConfig(config.model, { latentSize: 2, latentChannels: 4, classes: 9 });
    const groups = [4, 8, 8].map((width, i) => ({
      name: ['fine', 'mid', 'coarse'][i] as string,
      width,
      tokens: 4,
    }));
    const alignment = await loadAlignment(config.alignment, alignmentSpec(config, model, groups));
    const state = initState(trainDeps(config, model, alignment), philox(0), stepOptions(config, 9).ema);
    const count = (tree: Parameters<typeof flatten>[0]): number =>
      flatten(tree).reduce((sum, { size }) => sum + size, 0);
    expect(parameters.transformer).toBe(count(state.params.denoiser));
    expect(memory['averages']).toBe(4 * 4 * (parameters.transformer + parameters.alignment));
    tf.dispose(flatten(state));
  });

  it('gives hours and energy at an assumed speed', async () => {
    const config = tinyConfig(vae, ['train.steps=3600', 'train.sampleEvery=0']);
    const result = await plan(config, { ...CALCULATION, gflops: 1 }, listener());
    expect(result.interludes).toEqual([]);
    expect(result.secondsPerStep).toBeCloseTo(result.flopsPerStep / 1e9, 12);
    expect(result.hours).toBeCloseTo(result.secondsPerStep as number, 12);
    const watts = 10 * result.machine.cores;
    expect(result.kilowattHours).toBeCloseTo(((result.hours as number) * watts) / 1000, 12);
    expect(planText(result, 10).join('\n')).toMatch(/cores draws 10 W/);
    expect((await plan(config, CALCULATION, listener())).hours).toBeUndefined();
  });

  it('refuses what cannot fit before it tries, and only says so when it calculates', async () => {
    const large = tinyConfig(vae, ['train.batch=100000000']);
    const trial = { ...CALCULATION, trial: true };
    await expect(showPlan(large, trial, listener())).rejects.toThrow(
      /A step of 100000000 images needs about .* of memory and there are .*: raise train\.accumulate/,
    );
    const reporter = listener();
    await showPlan(large, CALCULATION, reporter);
    expect(reporter.warned).toEqual([expect.stringContaining('raise train.accumulate')]);
    expect(reporter.printed[0]).toMatch(/^model +\S+ parameters, 4 tokens an image/);
    const many = tinyConfig(vae, ['train.keepEvery=1', 'train.steps=1000000000']);
    await expect(showPlan(many, trial, listener())).rejects.toThrow(
      /The checkpoints need .* and the disk has/,
    );
  });

  it('counts what is done between the steps: as published, a grid of 64 images at 250 steps of SiT-XL/2 and the rest', async () => {
    const set = ['model.size=SiT-XL/2', 'alignment.kind=none', 'train.steps=25000', 'sample.guidance=1.5'];
    const config = loadConfig({
      names: ['base'],
      set: [
        ...set,
        'sample.guidanceInterval=[0,0.5]',
        'evaluate.every=25000',
        'evaluate.images=100',
        'evaluate.lossEvery=5000',
      ],
    });
    const result = await plan(config, { ...CALCULATION, assume: 'imagenet-256', gflops: 100 }, listener());
    const [grids, metrics, losses] = result.interludes;
    // SiT's paper, table 1: 118.6 GMACs a forward pass; half of the 250 steps are guided. Its share of decoding is small.
    const image = 250 * 1.5 * 2 * 118.6e9;
    expect(grids).toMatchObject({ name: 'sample grids', times: 3, images: 64 });
    expect((grids?.flops ?? 0) / (3 * 64 * image)).toBeCloseTo(1, 1);
    expect(metrics).toMatchObject({ name: 'metrics', times: 1, images: 100 });
    expect((metrics?.flops ?? 0) / (100 * image)).toBeCloseTo(1, 1);
    expect(losses).toMatchObject({ name: 'held-out losses', times: 5, images: 256 });
    expect((losses?.flops ?? 0) / (5 * 256 * 10 * 2 * 118.6e9)).toBeCloseTo(1, 2);
    const seconds = result.interludes.reduce((sum, { flops }) => sum + flops / 100e9, 0);
    expect(result.hours).toBeCloseTo((25_000 * (result.secondsPerStep as number) + seconds) / 3600, 6);
    const lines = planText(result, 10);
    expect(lines).toContainEqual(
      expect.stringMatching(/^between +sample grids: 3 of 64 images, about 4[78] hours$/),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^between +held-out losses: 5 of 256 images, about 8\.4 hours$/),
    );
    const slow = await plan(config, { ...CALCULATION, assume: 'imagenet-256' }, listener());
    expect(planText(slow, 10)).toContainEqual(
      expect.stringMatching(/^between +metrics: .* % of the steps' arithmetic$/),
    );
  });

  it('refuses a class of the grids that is not there', async () => {
    await expect(
      plan(tinyConfig(vae, ['sample.classes=["Flagz"]']), CALCULATION, listener()),
    ).rejects.toThrow('There is no class "Flagz": the nearest is "Flags"');
  });

  it('needs less memory in parts and with checkpointed blocks, and less disk with fewer checkpoints', async () => {
    const whole = await imagenet('alignment.kind=none');
    const parts = await imagenet('alignment.kind=none', 'train.accumulate=8');
    expect(parts.memory['activations']).toBeCloseTo((whole.memory['activations'] as number) / 8, 0);
    const recomputed = await imagenet('alignment.kind=none', 'train.checkpointBlocks=true');
    expect(recomputed.memory['activations']).toBeLessThan((whole.memory['activations'] as number) / 3);
    expect(recomputed.flopsPerStep).toBeGreaterThan(whole.flopsPerStep);
    expect((await imagenet('alignment.kind=none', 'train.keepLast=1')).disk.total).toBeLessThan(
      whole.disk.total,
    );
  });
});

describe('trialBatch', () => {
  it('is the whole batch of a small model, and few images of a large one', () => {
    expect(trialBatch(32, 0.4e9)).toBe(32);
    expect(trialBatch(256, 33e9)).toBe(15);
    expect(trialBatch(256, 712e9)).toBe(4);
    expect(trialBatch(2, 712e9)).toBe(2);
  });
});

describe('runTrial', () => {
  it.each<[string, string[], number[]]>([
    ['ahpa', [], [4, 8, 8]],
    ['sra2', ['alignment.kind=sra2', 'alignment.head.hidden=16'], []],
    ['none', ['alignment.kind=none'], []],
  ])('takes steps on random numbers: %s', async (_, set, widths) => {
    const config: TrainConfig = tinyConfig(vae, set);
    const groups = widths.map((width, i) => ({ name: `g${i}`, width, tokens: 4 }));
    const shape = { latentSize: 2, latentChannels: 4, classes: 9 };
    const before = tf.memory().numTensors;
    const trial = await runTrial({ config, shape, groups, batch: 2 });
    expect(trial.batch).toBe(2);
    expect(trial.secondsPerStep).toBeGreaterThan(0);
    expect(trial.peakBytes).toBeGreaterThan(1e7);
    expect(tf.memory().numTensors).toBe(before);
  });
});
