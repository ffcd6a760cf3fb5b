import { eagerStepper } from '@ahpa/engine';
import { flatten } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { type LoopOptions, type Row, run, type Task, trainStep } from '../src/index.ts';
import { deps, newState, options, type ToyBatch, type ToyState, toyBatch, values } from './toy.ts';

interface Overrides extends Partial<LoopOptions<ToyState, ToyBatch>> {
  readonly atEnd?: Task['atEnd'];
}

function setup({ atEnd = 'always', ...overrides }: Overrides = {}) {
  const stepper = eagerStepper<ToyState, ToyBatch>(
    (state, batch) => trainStep(deps, state, batch, options),
    newState(),
  );
  const rows: [number, Row][] = [];
  const saved: number[] = [];
  const settings: LoopOptions<ToyState, ToyBatch> = {
    stepper,
    batches: (step) => toyBatch(4 * step, 4),
    from: 0,
    until: 20,
    reportEvery: 8,
    onReport: (step, row) => void rows.push([step, row]),
    tasks: [{ every: 6, atEnd, run: (step) => void saved.push(step) }],
    ...overrides,
  };
  return { stepper, rows, saved, settings };
}

describe('run', () => {
  test('keeps the live tensors constant and calls back on time', async () => {
    const live = tf.memory().numTensors;
    const { stepper, rows, saved, settings } = setup();
    expect(await run(settings)).toEqual({ step: 20, aborted: false });
    expect(rows.map(([step]) => step)).toEqual([6, 8, 12, 16, 18, 20]);
    expect(saved).toEqual([6, 12, 18, 20]);
    expect(stepper.state().step.dataSync()[0]).toBe(20);
    stepper.dispose();
    expect(tf.memory().numTensors).toBe(live);
  });

  test('reports the mean since the last report, whatever the interval', async () => {
    const whole = setup({ until: 4, reportEvery: 4, tasks: [] });
    const single = setup({ until: 4, reportEvery: 1, tasks: [] });
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
    expect(rows.map(([step]) => step)).toEqual([12, 13]);
  });

  test.each<[Task['atEnd'], number[], number[]]>([
    ['no', [6], [6]],
    ['complete', [6, 8], [6]],
    ['always', [6, 8], [6, 7]],
  ])('does a task at the end: %s', async (atEnd, whole, cut) => {
    const complete = setup({ until: 8, atEnd });
    await run(complete.settings);
    expect(complete.saved).toEqual(whole);
    const signal = { aborted: false };
    const batches = (step: number) => {
      signal.aborted = step === 6;
      return toyBatch(4 * step, 4);
    };
    const stopped = setup({ until: 8, atEnd, signal, batches });
    await run(stopped.settings);
    expect(stopped.saved).toEqual(cut);
  });

  test('ends where a task is aborted, saves, and leaves the other tasks out', async () => {
    const signal = { aborted: false, reason: new Error('aborted') };
    const done: string[] = [];
    const tasks: Task[] = [
      { every: 4, atEnd: 'always', run: (step) => void done.push(`save ${step}`) },
      {
        every: 3,
        atEnd: 'complete',
        run: () => {
          signal.aborted = true;
          throw signal.reason;
        },
      },
      { every: 3, atEnd: 'complete', run: (step) => void done.push(`draw ${step}`) },
    ];
    const { settings } = setup({ until: 8, tasks, signal });
    expect(await run(settings)).toEqual({ step: 3, aborted: true });
    expect(done).toEqual(['save 3']);
  });

  test('leaves a step out that is refused after an abort, reports what was done and saves it', async () => {
    const signal = { aborted: false, reason: new Error('aborted') };
    const refuse = (): never => {
      signal.aborted = true;
      throw signal.reason;
    };
    const live = tf.memory().numTensors;
    const first = setup({ signal, atEnd: 'always' });
    const { stepper } = first;
    const refusing = {
      ...stepper,
      step: (batch: Parameters<typeof stepper.step>[0]) =>
        stepper.state().step.dataSync()[0] === 3 ? refuse() : stepper.step(batch),
    };
    expect(await run({ ...first.settings, stepper: refusing })).toEqual({ step: 3, aborted: true });
    expect([first.saved, first.rows.map(([step]) => step)]).toEqual([[3], [3]]);
    stepper.dispose();
    signal.aborted = false;
    const second = setup({ signal, atEnd: 'always', batches: refuse });
    expect(await run(second.settings)).toEqual({ step: 0, aborted: true });
    expect([second.saved, second.rows]).toEqual([[0], []]);
    second.stepper.dispose();
    expect(tf.memory().numTensors).toBe(live);
  });

  test('does again what was due where it continues', async () => {
    const { saved, settings } = setup({ from: 12, until: 14, atEnd: 'no' });
    await run(settings);
    expect(saved).toEqual([12]);
    const complete = setup({ from: 14, until: 14, atEnd: 'complete' });
    await run(complete.settings);
    expect(complete.saved).toEqual([14]);
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
    const told: number[][] = [];
    const bad = [2, 3, 4, 5, 6, 7];
    const { stepper, saved, settings } = setup({
      batches: spoilt(bad),
      until: 20,
      reportEvery: 10,
      tasks: [],
    });
    const before = setup({ until: 2 });
    await run(before.settings);
    const broken = run({ ...settings, onBroken: (first, step) => void told.push([first, step]) });
    await expect(broken).rejects.toThrow(/the 8 consecutive steps after step 2 had a loss/);
    expect(told).toEqual([[2, 10]]);
    expect(saved).toEqual([]);
    const { step, skipped, skippedInARow, ...kept } = stepper.state();
    expect([step, skipped, skippedInARow].map((counter) => counter.dataSync()[0])).toEqual([10, 8, 8]);
    const { params, ema, moments } = before.stepper.state();
    expect(values(flatten(kept))).toEqual(values(flatten({ params, ema, moments })));
  });

  test('no task sees a state that is broken', async () => {
    const batches = (step: number) => toyBatch(4 * step, 4, step >= 2);
    const { saved, settings } = setup({ batches, until: 20, reportEvery: 20 });
    await expect(run(settings)).rejects.toThrow(/consecutive steps/);
    expect(saved).toEqual([6]);
  });
});
