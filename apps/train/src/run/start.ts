/** The state that a run starts from. */
import { restoreTree } from '@ahpa/engine';
import { type Reporter, userError } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { initState } from '@ahpa/trainer';
import { averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import { withInitialWeights } from '../models/initial-weights.ts';
import type { RunState } from '../models/wiring.ts';
import { newestCheckpoint, runMeta } from '../records/checkpoints.ts';
import type { RunFolder } from '../records/folder.ts';
import type { Prepared } from './prepare.ts';

/** The state of the newest valid checkpoint, or a new one. */
export async function startState(
  config: TrainConfig,
  folder: RunFolder,
  parts: Prepared,
  reporter: Reporter,
): Promise<{ state: RunState; step: number }> {
  const state = initState(parts.deps, philox(config.train.seed), averages(config.ema));
  const checkpoint = await newestCheckpoint(folder.checkpoints, reporter);
  if (checkpoint === undefined) {
    const { init } = config.model;
    if (init === null) return { state, step: 0 };
    return { state: await withInitialWeights(state, init, parts.model, reporter), step: 0 };
  }
  assertClasses(runMeta(checkpoint).classes, parts.classes, checkpoint.path);
  const restored = restoreTree(state, checkpoint.tensors, checkpoint.path);
  disposeTree(state);
  reporter.say(`Continuing ${folder.root} after step ${checkpoint.step}.`);
  return { state: restored, step: checkpoint.step };
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
