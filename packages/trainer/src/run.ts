/** The training loop around a stepper: batches in, reports out, tasks between steps, stops on leaks and on non-finite steps. */
import { disposeTree } from '@ahpa/ops';
import type { Metrics, Stepper, Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { meanRow, type Row, readWindow } from './metrics.ts';
import { MAX_SKIPS_IN_A_ROW } from './state.ts';

/** Work done between steps: a checkpoint, samples, an evaluation. */
export interface Task {
  /** Interval in steps. */
  readonly every: number;
  /** Whether it also runs at the last step (`complete`), and also where a signal ends the run (`always`). */
  readonly atEnd: 'no' | 'complete' | 'always';
  /**
   * Runs the task after a step. Must be idempotent: a resumed run repeats the tasks due at its first step. After an abort it may reject
   * with the signal's reason, and is then left to the resumed run.
   */
  run(step: number): void | Promise<void>;
}

/** Options of a training loop; callbacks are awaited. */
export interface LoopOptions<S extends Tree, B extends Tree> {
  readonly stepper: Stepper<S, B>;
  /** The batch of a step, as fresh tensors that the run disposes. Must not make tensors ahead of the call. */
  batches(step: number): B | Promise<B>;
  /** Steps already taken (0, or a checkpoint's), and the step count to reach. */
  readonly from: number;
  readonly until: number;
  /**
   * Interval of reports in steps; metrics stay on the device in between. A report also precedes each task, so that no task gets a
   * broken state.
   */
  readonly reportEvery: number;
  /** Receives the step count and the mean of all metrics since the last report. */
  onReport(step: number, row: Row): void | Promise<void>;
  /** Done in this order. */
  readonly tasks: readonly Task[];
  /** Called before the run throws because all steps after `first` up to `step` were skipped. */
  onBroken?(first: number, step: number): void | Promise<void>;
  /**
   * Ends the run after the step or task in progress, with a report and the tasks done `always`; other tasks are left out. A batch or a
   * step that rejects with its reason after an abort is left out.
   */
  readonly signal?: LoopSignal;
}

type LoopSignal = { readonly aborted: boolean; readonly reason?: unknown } | undefined;

/** The end of a loop; `aborted` also where an abort left out tasks of the last step. */
export interface LoopResult {
  readonly step: number;
  readonly aborted: boolean;
}

/**
 * Runs steps `from` to `until`.
 * @throws Error, after a last report, where live tensors leak or too many steps in a row are not finite
 */
export async function run<S extends Tree, B extends Tree>(config: LoopOptions<S, B>): Promise<LoopResult> {
  const { from, until, reportEvery, signal } = config;
  const leaks = leakCheck();
  const skips = skipCount();
  let pending: Metrics[] = [];
  let step = from;
  const ends = (): boolean => step >= until || signal?.aborted === true;
  const due = (last: boolean): Task[] => config.tasks.filter((task) => isDue(task, step, until, last));
  let last = ends();
  let complete = true;
  const work = async (tasks: readonly Task[]): Promise<void> => {
    complete = await runTasks(tasks, step, config);
    last ||= ends(); // an abort during a task ends the run here
  };
  if (from > 0) await work(due(last));
  while (!last) {
    const metrics = await unlessAborted(() => takeStep(step, config), signal);
    if (metrics !== undefined) {
      pending.push(metrics);
      step++;
      leaks.check(step - from, pending);
    }
    last = ends();
    const tasks = due(last);
    if (last || tasks.length > 0 || step % reportEvery === 0) {
      const window = await readWindow(pending);
      if (pending.length > 0) await config.onReport(step, meanRow(window));
      pending = [];
      const inARow = skips.add(window.get('applied')?.values ?? new Float32Array());
      if (inARow >= MAX_SKIPS_IN_A_ROW) {
        await config.onBroken?.(step - inARow, step);
        throw brokenError(step - inARow, step);
      }
      if (tasks.length > 0) await work(tasks);
    }
  }
  return { step, aborted: !complete || step < until };
}

/** Makes the batch of a step and takes it; resolves to its metrics. */
async function takeStep<S extends Tree, B extends Tree>(
  step: number,
  { batches, stepper }: LoopOptions<S, B>,
): Promise<Metrics> {
  const batch = await batches(step);
  try {
    return await stepper.step(batch);
  } finally {
    disposeTree(batch);
  }
}

/**
 * Runs the tasks `due` at a step; after an abort only those done `always`, whether due or not. Resolves to whether all that were due
 * were done.
 */
async function runTasks<S extends Tree, B extends Tree>(
  due: readonly Task[],
  step: number,
  { tasks, signal }: LoopOptions<S, B>,
): Promise<boolean> {
  let complete = true;
  for (const task of due) {
    const wanted = !signal?.aborted || task.atEnd === 'always';
    const done = wanted && (await finishes(task, step, signal));
    complete &&= done;
  }
  if (!signal?.aborted) return complete;
  const missed = tasks.filter((task) => task.atEnd === 'always' && !due.includes(task));
  for (const task of missed) await task.run(step);
  return complete;
}

/** Runs a task; resolves to whether it was done, false where it ended by an abort. */
const finishes = async (task: Task, step: number, signal: LoopSignal): Promise<boolean> =>
  (await unlessAborted(async () => {
    await task.run(step);
    return true;
  }, signal)) ?? false;

/** Does `work`; resolves to undefined where it rejects with the reason of the abort. */
async function unlessAborted<T>(work: () => Promise<T>, signal: LoopSignal): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
    return undefined;
  }
}

/** Whether a task is done at `step`; `last` says that the run ends there, early if it is before `until`. */
function isDue({ every, atEnd }: Task, step: number, until: number, last: boolean): boolean {
  if (last && step < until) return atEnd === 'always';
  return step % every === 0 || (last && atEnd !== 'no');
}

/** Live tensors must stay the same from the second step on, apart from metrics not yet read. */
function leakCheck(): { check(taken: number, pending: readonly Metrics[]): void } {
  let expected = 0;
  return {
    check(taken, pending) {
      const held = pending.reduce((sum, metrics) => sum + Object.keys(metrics).length, 0);
      const live = tf.memory().numTensors - held;
      if (taken === 2) expected = live;
      if (taken > 2 && live !== expected) {
        throw new Error(
          `run: ${live - expected} live tensors more after step ${taken} of this run than after its second (${live}, wanted ${expected}); dispose what batches, step or callbacks leave alive.`,
        );
      }
    },
  };
}

/** Counts the skipped steps in a row up to now. A step stops applying anything once there are too many, so they are the last ones. */
function skipCount(): { add(applied: tf.TypedArray): number } {
  let inARow = 0;
  return {
    add(applied) {
      for (const value of applied) inARow = value === 0 ? inARow + 1 : 0;
      return inARow;
    },
  };
}

const brokenError = (first: number, step: number): Error =>
  new Error(
    `run: the ${step - first} consecutive steps after step ${first} had a loss or gradient that is not finite; resume from an earlier checkpoint with a lower learning rate or gradient norm.`,
  );
