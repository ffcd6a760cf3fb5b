import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { eagerStepper, type Row, type RunConfig, run, trainStep } from '../src/index.ts';
import { config, deps, newState, type ToyBatch, type ToyState, toyBatch } from './toy.ts';

function setup(overrides: Partial<RunConfig<ToyState, ToyBatch>> = {}) {
  const stepper = eagerStepper<ToyState, ToyBatch>(
    (state, batch) => trainStep(deps, state, batch, config),
    newState(),
  );
  const rows: [number, Row][] = [];
  const saved: number[] = [];
  const settings: RunConfig<ToyState, ToyBatch> = {
    stepper,
    batches: (step) => toyBatch(4 * step, 4),
    from: 0,
    until: 20,
    reportEvery: 8,
    onReport: (step, row) => void rows.push([step, row]),
    checkpointEvery: 6,
    onCheckpoint: (step) => void saved.push(step),
    ...overrides,
  };
  return { stepper, rows, saved, settings };
}

describe('run', () => {
  test('keeps the live tensors constant and calls back on time', async () => {
    const live = tf.memory().numTensors;
    const { stepper, rows, saved, settings } = setup();
    expect(await run(settings)).toEqual({ step: 20, aborted: false });
    expect(rows.map(([step]) => step)).toEqual([8, 16, 20]);
    expect(saved).toEqual([6, 12, 18, 20]);
    expect(stepper.state().step.dataSync()[0]).toBe(20);
    stepper.dispose();
    expect(tf.memory().numTensors).toBe(live);
  });

  test('reports the mean since the last report, whatever the interval', async () => {
    const whole = setup({ until: 4, reportEvery: 4 });
    const single = setup({ until: 4, reportEvery: 1 });
    await run(whole.settings);
    await run(single.settings);
    const losses = single.rows.map(([, { loss }]) => loss as number);
    expect(losses).toHaveLength(4);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / 4;
    const { loss, denoisingByTime } = (whole.rows[0] as [number, Row])[1];
    expect(loss).toBeCloseTo(mean, 5);
    expect(denoisingByTime).toHaveLength(10);
  });

  test('starts where it is told and can be aborted', async () => {
    const signal = { aborted: false };
    const batches = vi.fn((step: number) => {
      signal.aborted = step === 12;
      return toyBatch(4 * step, 4);
    });
    const { saved, rows, settings } = setup({ from: 10, signal, batches });
    expect(await run(settings)).toEqual({ step: 13, aborted: true });
    expect(batches.mock.calls.map(([step]) => step)).toEqual([10, 11, 12]);
    expect(saved).toEqual([12, 13]);
    expect(rows.map(([step]) => step)).toEqual([13]);
  });

  test('throws on a leak and says how large', async () => {
    const leaked: tf.Tensor[] = [];
    const { settings } = setup({
      batches: (step) => {
        if (step === 4) leaked.push(tf.keep(tf.scalar(1)));
        return toyBatch(4 * step, 4);
      },
    });
    await expect(run(settings)).rejects.toThrow(/1 live tensors more after step 5/);
    tf.dispose(leaked);
  });

  test('stops after five consecutive skipped steps, also across reports', async () => {
    const spoilt = (steps: readonly number[]) => (step: number) =>
      toyBatch(4 * step, 4, steps.includes(step));
    const scattered = setup({ batches: spoilt([1, 2, 3, 4, 6, 7, 8, 9]), until: 12, reportEvery: 3 });
    await expect(run(scattered.settings)).resolves.toEqual({ step: 12, aborted: false });
    const broken = setup({ batches: spoilt([2, 3, 4, 5, 6, 7]), until: 12, reportEvery: 4 });
    await expect(run(broken.settings)).rejects.toThrow(/5 consecutive steps up to step 8/);
    expect(broken.saved).toEqual([6]);
  });
});
