/** The state that a run starts from. */
import { restoreTree } from '@ahpa/engine';
import { type Reporter, userError } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { initState } from '@ahpa/trainer';
import { averages } from '../config/averages.ts';
import { type Change, changesAt, showDifference } from '../config/changes.ts';
import type { TrainConfig } from '../config/types.ts';
import { withInitialWeights } from '../models/initial-weights.ts';
import type { RunState } from '../models/wiring.ts';
import { chosenCheckpoint, runMeta } from '../records/checkpoints.ts';
import type { RunFolder } from '../records/folder.ts';
import { setAside } from '../records/set-aside.ts';
import type { Prepared } from './prepare.ts';
import { describeSchedule } from './schedule-line.ts';

/** Where and how an existing run goes on. */
export interface Continuation {
  /** Step of the checkpoint; default the newest. */
  readonly at?: number;
  /** Keys of the configuration that may differ from the recorded one. */
  readonly named: readonly string[];
}

/** A state, its step, and the changes of the configuration up to there, the present ones included. */
export interface Start {
  readonly state: RunState;
  readonly step: number;
  readonly changes: readonly Change[];
  /** Does and says what going on from here asks for, before anything is written: moves files of later steps aside. */
  goOn(): Promise<void>;
}

/** The state of a checkpoint, by default of the newest valid one, or a new one. */
export async function startState(
  config: TrainConfig,
  folder: RunFolder,
  parts: Prepared,
  { at, named }: Continuation,
  reporter: Reporter,
): Promise<Start> {
  const state = initState(parts.deps, philox(config.train.seed), averages(config.ema));
  const checkpoint = await chosenCheckpoint(folder, at, reporter);
  if (checkpoint === undefined) {
    const { init } = config.model;
    const goOn = async (): Promise<void> => (named.length > 0 ? moveLater(folder, 0, reporter) : undefined);
    const first = init === null ? state : await withInitialWeights(state, init, parts.model, reporter);
    return { state: first, step: 0, changes: [], goOn };
  }
  const { step, path, tensors } = checkpoint;
  const before = runMeta(checkpoint);
  assertClasses(before.classes, parts.classes, path);
  const restored = restoreTree(state, tensors, path);
  disposeTree(state);
  const made = changesAt(step, before.config, config, named);
  const goOn = async (): Promise<void> => {
    reporter.say(`Continuing ${folder.root} after step ${step}.`);
    if (made.length > 0) reporter.say(`From here on: ${made.map(showDifference).join(', ')}.`);
    if (config.train.steps > before.config.train.steps) reporter.say(describeSchedule(config));
    if (at !== undefined || made.length > 0) await moveLater(folder, step, reporter);
  };
  return { state: restored, step, changes: [...before.changes, ...made], goOn };
}

async function moveLater(folder: RunFolder, step: number, reporter: Reporter): Promise<void> {
  const moved = await setAside(folder, step);
  if (moved === undefined) return;
  const { length } = moved.checkpoints;
  const which =
    length === 0 ? '' : ` (${length === 1 ? 'checkpoint' : 'checkpoints'} ${moved.checkpoints.join(', ')})`;
  reporter.say(`What ${folder.root} had of later steps${which} is kept in ${moved.folder}.`);
}

/** Refuses data whose classes are not those of a checkpoint, in their order. */
function assertClasses(trained: readonly string[], found: readonly string[], path: string): void {
  const odd = [...trained, ...found].findIndex((_, index) => trained[index] !== found[index]);
  if (odd < 0) return;
  const name = (classes: readonly string[]): string => JSON.stringify(classes[odd] ?? 'none');
  throw userError(
    `${path} was trained with class ${odd} named ${name(trained)}, and the data name it ${name(found)}: write the ${trained.length} old names in their order into a file and set data.classes to it, or start a new run.`,
  );
}
