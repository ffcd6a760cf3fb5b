/**
 * A training run, from the configuration to the last sample grid; the same call again continues where it stopped.
 * prepare data and model -> state, new or from the newest checkpoint -> steps, with a sample grid every so many -> summary.
 */
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type Batch, batchIndices, run, type Stepper, type Tree, trainStep } from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import { readStats } from '../data/stats.ts';
import type { Reporter } from '../report.ts';
import { stepConfig } from '../wiring.ts';
import { saveState } from './checkpoints.ts';
import { createEngine } from './create-engine.ts';
import type { Artist } from './draw.ts';
import { claimFolder, type RunFolder, samplePath } from './folder.ts';
import type { Interrupt } from './interrupt.ts';
import { type Prepared, prepare } from './prepare.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { artistOf, writeClassGrid } from './sample-grid.ts';
import { type RunState, startState } from './start.ts';

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

interface Session {
  readonly config: TrainConfig;
  readonly folder: RunFolder;
  readonly parts: Prepared;
  readonly stepper: Stepper<RunState, Batch<Tree>>;
  readonly artist: Artist;
  readonly recorder: Recorder;
  readonly reporter: Reporter;
}

/**
 * Trains until `config.train.steps` or an interrupt, for which it listens once there is something to save.
 */
export async function train(
  config: TrainConfig,
  folder: RunFolder,
  reporter: Reporter,
  listen: () => Interrupt,
): Promise<TrainSummary> {
  await claimFolder(folder, config);
  if (
    config.train.precision === 'bfloat16' &&
    (config.train.eager || config.train.backend !== 'tensorflow')
  ) {
    reporter.warn('train.precision bfloat16 acts on compiled TensorFlow steps only: computing in float32.');
  }
  const engine = await createEngine(config.train);
  const parts = await prepare(config, engine, reporter);
  const start = await startState(config, folder, parts, reporter);
  const numbers = stepConfig(config, parts.shape.classes);
  const { stepper, model } = engine.training(
    (state: RunState, batch: Batch<Tree>) => trainStep(parts.deps, state, batch, numbers),
    start.state,
  );
  const ema = model(({ ema }) => (ema[0] as RunState['params']).denoiser);
  const recorder = await createRecorder(config, folder, start.step, reporter);
  const artist = artistOf(config, parts, ema);
  const session = { config, folder, parts, stepper, artist, recorder, reporter };

  const interrupt = listen();
  const step = await trainFrom(start.step, session, interrupt.signal).finally(interrupt.release);
  for (const part of [ema, stepper, parts]) part.dispose();
  return summaryOf(folder, step, step >= config.train.steps);
}

/** Steps and sample grids in turn; resolves to the steps done. */
async function trainFrom(from: number, session: Session, signal: AbortSignal): Promise<number> {
  const { steps, sampleEvery } = session.config.train;
  let step = from;
  await showProgress(session, step);
  while (step < steps && !signal.aborted) {
    const stop = Math.min(steps, (Math.floor(step / sampleEvery) + 1) * sampleEvery);
    step = await advance(session, step, stop, signal);
    await showProgress(session, step);
  }
  return step;
}

/** Takes steps until `stop`; resolves to the steps done, fewer where the signal came before. */
async function advance(session: Session, from: number, stop: number, signal: AbortSignal): Promise<number> {
  const { config, folder, parts, stepper, recorder } = session;
  const { batch, seed, reportEvery, checkpointEvery } = config.train;
  const meta = { config, shape: parts.shape, classes: parts.classes };
  const { step } = await run({
    stepper,
    from,
    until: stop,
    signal,
    batches: async (done) => {
      await setImmediate(); // signals are heard and the bar is drawn between steps
      recorder.tick(done);
      return parts.train.batch(batchIndices(seed, done, batch, parts.train.count));
    },
    reportEvery,
    onReport: recorder.report,
    checkpointEvery,
    onCheckpoint: async (done) => {
      await saveState(folder.checkpoints, done, stepper.state(), meta);
    },
  });
  recorder.pause();
  return step;
}

/** Draws the sample grid and the plot of a step where they are due and not there yet. */
async function showProgress(session: Session, step: number): Promise<void> {
  const { config, folder, parts, artist, reporter } = session;
  const { steps, sampleEvery, seed } = config.train;
  const path = samplePath(folder, step);
  const due = step > 0 && (step % sampleEvery === 0 || step >= steps);
  if (!due || existsSync(path)) return;
  const bar = reporter.progress('sampling', config.sample.steps);
  await writeClassGrid(path, artist, parts.classes, seed, (done) => bar.update(done, undefined));
  bar.stop();
  const { writeRunPlot } = await import('../visual/plot.ts');
  await writeRunPlot(folder.plot, await readStats(folder.stats));
}

function summaryOf(folder: RunFolder, step: number, complete: boolean): TrainSummary {
  const { root, checkpoints, samples, plot, stats } = folder;
  return { run: root, step, complete, checkpoints, samples, plot, stats };
}
