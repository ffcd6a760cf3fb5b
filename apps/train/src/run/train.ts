/**
 * A training run, from the configuration to the last sample grid; the same call again continues where it stopped.
 * prepare data and model -> state, new or from the newest checkpoint -> steps, with tasks every so many -> summary.
 */

import { setImmediate } from 'node:timers/promises';
import { createSaver } from '@ahpa/checkpoint';
import { createEngine } from '@ahpa/engine';
import type { Lock } from '@ahpa/file-lock';
import type { Reporter } from '@ahpa/messages';
import type { Batch, Tree } from '@ahpa/ports';
import { batchIndices, run, trainStep } from '@ahpa/trainer';
import { snapshotTasks } from '../averages/snapshots.ts';
import type { TrainConfig } from '../config/types.ts';
import { heldOutLoss, heldOutTask } from '../evaluation/held-out.ts';
import { evaluateTask } from '../evaluation/in-training.ts';
import { imageSampler } from '../models/image-sampler.ts';
import { type RunState, stepOptions } from '../models/wiring.ts';
import { inParts } from './batches.ts';
import { dumpBroken } from './broken.ts';
import { checkpointTask } from './checkpoint-task.ts';
import { assertDiskSpace } from './disk-space.ts';
import { claimFolder, type RunFolder } from './folder.ts';
import type { Interrupt } from './interrupt.ts';
import { prepare } from './prepare.ts';
import { createRecorder } from './recorder.ts';
import { sampleTask } from './sample-grid.ts';
import { speedometer } from './speed.ts';
import { startState } from './start.ts';

/** How a run ended, and its newest files. */
export interface TrainSummary {
  readonly run: string;
  readonly step: number;
  readonly complete: boolean;
  readonly checkpoints: string;
  readonly samples: string;
  readonly plot: string;
  readonly stats: string;
}

/** Trains until `config.train.steps` or an interrupt, for which it listens once there is something to save. */
export async function train(
  config: TrainConfig,
  folder: RunFolder,
  reporter: Reporter,
  listen: () => Interrupt,
): Promise<TrainSummary> {
  const lock = await claimFolder(folder, config, reporter);
  return trainIn(config, folder, lock, reporter, listen).finally(lock.release);
}

async function trainIn(
  config: TrainConfig,
  folder: RunFolder,
  lock: Lock,
  reporter: Reporter,
  listen: () => Interrupt,
): Promise<TrainSummary> {
  warnOfPrecision(config.train, reporter);
  const engine = await createEngine(config.train);
  const parts = await prepare(config, engine, reporter);
  const start = await startState(config, folder, parts, reporter);
  await assertDiskSpace(folder.root, start.state);
  const numbers = stepOptions(config, parts.shape.classes);
  const { stepper, snapshot, model } = engine.training(
    (state: RunState, batch: readonly Batch<Tree>[]) => trainStep(parts.deps, state, batch, numbers),
    start.state,
  );
  const ema = model(({ ema }) => (ema[0] as RunState['params']).denoiser);
  const speed = await speedometer(config.train, parts.model);
  const recorder = await createRecorder(config, folder, start.step, speed, reporter);
  const { batch, accumulate, seed, steps, reportEvery } = config.train;
  const { shape, classes } = parts;
  const meta = { config, shape, classes };
  const sampler = imageSampler(config, parts, ema);
  const { lossEvery, lossImages } = config.evaluate;
  const losses = { every: lossEvery, images: lossImages };
  const saver = createSaver();

  const interrupt = listen();
  const { step } = await run({
    stepper,
    from: start.step,
    until: steps,
    signal: interrupt.signal,
    batches: async (done) => {
      await setImmediate(); // signals are heard and the bar is drawn between steps
      saver.check();
      recorder.tick(done);
      return inParts(batchIndices(seed, done, batch, parts.train.count), accumulate, parts.train);
    },
    reportEvery,
    onReport: recorder.report,
    tasks: [
      checkpointTask({ folder, meta, snapshot, saver, lock, recorder, from: start.step }),
      ...snapshotTasks(folder, meta, stepper),
      sampleTask(config, folder, parts, sampler, recorder, reporter),
      ...heldOutTask(losses, folder, parts.heldOut, heldOutLoss(parts.deps, ema, seed), reporter.say),
      ...evaluateTask({
        config,
        folder,
        ...parts,
        sampler,
        engine,
        recorder,
        reporter,
      }),
    ],
    onBroken: async (first, step) => {
      const path = await dumpBroken(folder, meta, stepper.state(), parts.train.count, first, step);
      reporter.warn(`The state before step ${first + 1} and its batch are in ${path}: ahpa replay ${path}`);
    },
  }).finally(async () => {
    recorder.pause();
    await saver.close().finally(interrupt.release);
  });
  for (const part of [ema, stepper, parts]) part.dispose();
  const { root, checkpoints, samples, plot, stats } = folder;
  return { run: root, step, complete: step >= steps, checkpoints, samples, plot, stats };
}

function warnOfPrecision({ precision, backend, eager }: TrainConfig['train'], reporter: Reporter): void {
  if (precision === 'float32' || (backend === 'tensorflow' && !eager)) return;
  reporter.warn('train.precision bfloat16 acts on compiled TensorFlow steps only: computing in float32.');
}
