/**
 * A training run, from the configuration to the last sample grid; the same call resumes an interrupted run.
 * data and model -> state, new or from the newest checkpoint -> steps, with tasks every so many -> summary.
 */

import { setImmediate } from 'node:timers/promises';
import { createSaver } from '@ahpa/checkpoint';
import { createEngine } from '@ahpa/engine';
import type { Lock } from '@ahpa/file-lock';
import type { Reporter } from '@ahpa/messages';
import { run } from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import { imageSampler } from '../models/image-sampler.ts';
import { type RunState, stepOptions, trainingStep } from '../models/wiring.ts';
import { assertDiskSpace } from '../records/disk-space.ts';
import { beginRun, claimFolder, leaveFolder, type RunFolder } from '../records/folder.ts';
import { createRecorder } from '../records/recorder.ts';
import { checkpoint } from '../tasks/checkpoint.ts';
import type { TaskContext } from '../tasks/context.ts';
import { heldOut } from '../tasks/held-out.ts';
import { metrics } from '../tasks/metrics.ts';
import { plot } from '../tasks/plot.ts';
import { samples } from '../tasks/samples.ts';
import { snapshots } from '../tasks/snapshots.ts';
import { inParts, stepRows } from './batches.ts';
import { dumpBroken } from './broken.ts';
import { prepareChecked } from './check-tasks.ts';
import type { Interrupt } from './interrupt.ts';
import { announceAfter, announceSteps } from './long-work.ts';
import { speedometer } from './speed.ts';
import { type Continuation, startState } from './start.ts';

/** Outcome of a run, and its newest files. */
export interface TrainSummary {
  readonly run: string;
  readonly step: number;
  readonly complete: boolean;
  readonly checkpoints: string;
  /** Folder of the sample grids; absent without any. */
  readonly samples?: string;
  readonly plot: string;
  readonly stats: string;
}

/** Trains until `config.train.steps` or an interrupt; signal handlers are installed once there is a state to save. */
export async function train(
  config: TrainConfig,
  folder: RunFolder,
  reporter: Reporter,
  listen: () => Interrupt,
  continuation: Continuation = { named: [] },
): Promise<TrainSummary> {
  const lock = await claimFolder(folder, config, continuation.named, reporter);
  warnOfPrecision(config.train, reporter);
  warnOfGuidance(config, reporter);
  const begun = { config, folder, lock, reporter, listen, continuation };
  return trainLocked(begun).finally(() => leaveFolder(folder, lock));
}

/** A run whose folder is claimed. */
interface ClaimedRun {
  readonly config: TrainConfig;
  readonly folder: RunFolder;
  readonly lock: Lock;
  readonly reporter: Reporter;
  readonly listen: () => Interrupt;
  readonly continuation: Continuation;
}

async function trainLocked(claimed: ClaimedRun): Promise<TrainSummary> {
  const { config, folder, lock, reporter, listen } = claimed;
  // ---------- Data and model ----------
  const engine = await createEngine(config.train);
  const parts = await prepareChecked(config, engine, reporter);
  const { deps, shape, classes, counts } = parts;

  // ---------- State: new, or from a checkpoint ----------
  const start = await startState(config, folder, parts, claimed.continuation, reporter);
  const { state, step: from, changes } = start;
  await assertDiskSpace(folder.root, state);
  await start.goOn();
  const meta = { config, shape, classes, counts, changes };
  await beginRun(folder, meta);
  const training = engine.training(trainingStep(deps, stepOptions(config, shape.classes)), state);
  const ema = training.model(({ ema }) => (ema[0] as RunState['params']).denoiser);
  const sampler = imageSampler(config, parts, ema);

  // ---------- Steps, with tasks every so many ----------
  const speed = await speedometer(config.train, parts.model);
  const recorder = await createRecorder(meta, folder, from, speed, reporter);
  const saver = createSaver();
  const interrupt = listen();
  const session = { folder, lock, from, engine, ema, sampler, saver, recorder, reporter };
  const known = { meta, ...parts, ...training, ...session, signal: interrupt.signal };
  const saving = checkpoint(known);
  const context: TaskContext = { ...known, stretchAt: announceAfter(saving, interrupt) };
  const { step, aborted } = await run({
    stepper: announceSteps(training.stepper, interrupt),
    from,
    until: config.train.steps,
    signal: interrupt.signal,
    batches: async (done) => {
      await setImmediate(); // signals arrive and the bar is drawn between steps
      saver.check();
      recorder.tick(done);
      const rows = stepRows(meta, parts.train, done);
      return interrupt.stretch('A batch', () => inParts(rows, config.train.accumulate, parts.train));
    },
    reportEvery: config.train.reportEvery,
    onReport: recorder.report,
    tasks: [saving, ...[snapshots, samples, plot, heldOut, metrics].flatMap((task) => task(context))],
    onBroken: (first, step) => dumpBroken(context, first, step),
  }).finally(() => endSession(context, interrupt));

  for (const part of [ema, training.stepper, parts]) part.dispose();
  return summarize(folder, config.train, step, !aborted);
}

async function endSession({ recorder, saver }: TaskContext, { release }: Interrupt): Promise<void> {
  recorder.pause();
  await saver.close().finally(release);
}

function summarize(
  { root, checkpoints, samples, plot, stats }: RunFolder,
  { sampleEvery }: TrainConfig['train'],
  step: number,
  complete: boolean,
): TrainSummary {
  return { run: root, step, complete, checkpoints, ...(sampleEvery > 0 && { samples }), plot, stats };
}

function warnOfGuidance({ model, sample }: TrainConfig, reporter: Reporter): void {
  if (model.labelDropout > 0 || sample.guidance === 1) return;
  reporter.warn(
    `sample.guidance is ${sample.guidance}, and without label dropout the null class that it leads away from is never trained: set sample.guidance to 1, or model.labelDropout above 0.`,
  );
}

function warnOfPrecision({ precision, backend, eager }: TrainConfig['train'], reporter: Reporter): void {
  if (precision === 'float32' || (backend === 'tensorflow' && !eager)) return;
  reporter.warn('train.precision bfloat16 acts on compiled TensorFlow steps only: computing in float32.');
}
