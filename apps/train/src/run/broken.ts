/** Dumps of steps with non-finite numbers, and their replay. */

import { type Checkpoint, listCheckpoints, saveCheckpoint } from '@ahpa/checkpoint';
import { createEngine, readTensors, restoreTree } from '@ahpa/engine';
import { type Reporter, userError } from '@ahpa/messages';
import { philox } from '@ahpa/ops';
import { initState } from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import { stepOptions, trainingStep } from '../models/wiring.ts';
import { readCheckpoint, runMeta } from '../records/checkpoints.ts';
import type { RunFolder } from '../records/folder.ts';
import type { TaskContext } from '../tasks/context.ts';
import { inParts, stepRows } from './batches.ts';
import { prepare } from './prepare.ts';

/** The broken step of a dump. */
interface Breakage {
  /** Steps done before it. */
  readonly step: number;
  /** Steps from it on that were skipped. */
  readonly skipped: number;
  /** The items of its batch. */
  readonly batch: readonly number[];
}

/** Result of a replay. */
export interface Replay extends Breakage {
  readonly loss: number;
  readonly gradNorm: number;
  /** Whether the step broke again. */
  readonly reproduced: boolean;
}

/**
 * Writes the state before the first of the skipped steps, with its batch and the configuration, and warns where it is. Skipped steps
 * change nothing but counters, so the state before them is today's with the counters put back.
 */
export async function dumpBroken(
  { folder, meta, stepper, train, saver, reporter }: TaskContext,
  first: number,
  step: number,
): Promise<void> {
  const state = stepper.state();
  const indices = [...stepRows(meta, train, first)];
  const breakage: Breakage = { step: first, skipped: step - first, batch: indices };
  const skipped = (await state.skipped.data())[0] as number;
  const counter = (value: number) => ({
    dtype: 'I32' as const,
    shape: [],
    data: new Uint8Array(Int32Array.of(value).buffer),
  });
  const tensors = {
    ...(await readTensors(state)),
    step: counter(first),
    skipped: counter(skipped - (step - first)),
    skippedInARow: counter(0),
  };
  const path = await saveCheckpoint(
    folder.broken,
    first,
    tensors,
    { ...meta, breakage },
    { checkFinite: false },
  );
  reporter.warn(`The state before step ${first + 1} and its batch are in ${path}: ahpa replay ${path}`);
  await saver.ready();
  reporter.warn(`To go on with half the learning rate: ${await continuation(folder, meta.config, first)}`);
}

/** The command that goes on from the last checkpoint of at most `step` steps with half the learning rate. */
async function continuation(
  { root, checkpoints }: RunFolder,
  { optim: { learningRate } }: TrainConfig,
  step: number,
): Promise<string> {
  const good = (await listCheckpoints(checkpoints)).findLast((file) => file.step <= step);
  const from = good === undefined ? '' : ` --at ${good.step}`;
  return `ahpa train --run ${root}${from} --change optim.learningRate=${Number((learningRate / 2).toPrecision(6))}`;
}

/** Replays the broken step of a dump; `module` stands in for the run's own alignment.module. */
export async function replay(path: string, reporter: Reporter, module?: string): Promise<Replay> {
  const checkpoint = await readCheckpoint(path);
  const breakage = readBreakage(checkpoint);
  const { config: own } = runMeta(checkpoint);
  const config = module === undefined ? own : { ...own, alignment: { ...own.alignment, module } };
  const engine = await createEngine(config.train);
  const parts = await prepare(config, engine, reporter);
  const options = stepOptions(config, parts.shape.classes);
  const like = initState(parts.deps, philox(config.train.seed), options.ema);
  const state = restoreTree(like, checkpoint.tensors, path);
  const { stepper } = engine.training(trainingStep(parts.deps, options), state);
  const batch = await inParts(Uint32Array.from(breakage.batch), config.train.accumulate, parts.train);
  const { loss, gradNorm, applied } = await stepper.step(batch);
  const [l, g, a] = await Promise.all(
    [loss, gradNorm, applied].map(async (metric) => (await metric?.data())?.[0]),
  );
  return { ...breakage, loss: l as number, gradNorm: g as number, reproduced: a === 0 };
}

function readBreakage({ path, meta }: Checkpoint): Breakage {
  if (typeof meta['breakage'] === 'object') return meta['breakage'] as Breakage;
  throw userError(`${path} is no dump of a broken step: give a file of a run's folder "broken".`);
}
