/** The loop around a stepper: batches in, reports and checkpoints out, stops on leaks and on broken numbers. */
import * as tf from '@tensorflow/tfjs-core';
import { meanRow, type Row, readWindow } from './metrics.ts';
import type { Metrics, Tree } from './ports.ts';
import type { Stepper } from './stepper.ts';
import { disposeTree } from './tree.ts';

/** Consecutive skipped steps after which a run gives up. */
const MAX_CONSECUTIVE_SKIPS = 5;

/** What a run needs; callbacks are awaited. */
export interface RunConfig<S extends Tree, B extends Tree> {
  readonly stepper: Stepper<S, B>;
  /** The batch of a step, as fresh tensors that the run disposes. Must not make tensors ahead of the call. */
  batches(step: number): B | Promise<B>;
  /** Steps already taken (0, or a checkpoint's), and the step count to reach. */
  readonly from: number;
  readonly until: number;
  /** Metrics stay on the device between reports; skipped steps are noticed at reports. */
  readonly reportEvery: number;
  /** Receives the step count and the mean of all metrics since the last report. */
  onReport(step: number, row: Row): void | Promise<void>;
  readonly checkpointEvery: number;
  /** Called every `checkpointEvery` steps and at the end, `until` or abort. */
  onCheckpoint(step: number): void | Promise<void>;
  /** Ends the run after the step in progress, with a report and a checkpoint. */
  readonly signal?: { readonly aborted: boolean };
}

/** How a run ended. */
export interface RunResult {
  readonly step: number;
  readonly aborted: boolean;
}

/** Steps from `from` to `until`. Throws when the count of live tensors changes or the numbers break, after a last report. */
export async function run<S extends Tree, B extends Tree>(config: RunConfig<S, B>): Promise<RunResult> {
  const { stepper, from, until, reportEvery, checkpointEvery, signal } = config;
  const leaks = leakCheck();
  const skips = skipCheck();
  let pending: Metrics[] = [];
  let step = from;
  // Looked at once a step: an abort during a callback is seen after the next step, which then ends with report and checkpoint.
  const ends = (): boolean => step >= until || signal?.aborted === true;
  for (let last = ends(); !last; ) {
    const batch = await config.batches(step);
    pending.push(await stepper.step(batch));
    disposeTree(batch);
    step++;
    leaks.check(step - from, pending);
    last = ends();
    if (last || step % reportEvery === 0) {
      const window = await readWindow(pending);
      pending = [];
      await config.onReport(step, meanRow(window));
      skips.check(step, window.get('applied')?.values ?? new Float32Array());
    }
    if (last || step % checkpointEvery === 0) await config.onCheckpoint(step);
  }
  return { step, aborted: step < until };
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

/** A run of skipped steps means that the parameters, not a batch, are broken. */
function skipCheck(): { check(step: number, applied: tf.TypedArray): void } {
  let consecutive = 0;
  return {
    check(step, applied) {
      for (const value of applied) {
        consecutive = value === 0 ? consecutive + 1 : 0;
        if (consecutive >= MAX_CONSECUTIVE_SKIPS) {
          throw new Error(
            `run: ${consecutive} consecutive steps up to step ${step} had a loss or gradient that is not finite; resume from an earlier checkpoint with a lower learning rate or gradient norm.`,
          );
        }
      }
    },
  };
}
