/** The state that a run starts from. */
import { restoreTree } from '@ahpa/engine';
import type { Reporter } from '@ahpa/messages';
import { disposeTree, philox } from '@ahpa/ops';
import { initState } from '@ahpa/trainer';
import { averages } from '../config/averages.ts';
import type { TrainConfig } from '../config/types.ts';
import { withInitialWeights } from '../models/initial-weights.ts';
import type { RunState } from '../models/wiring.ts';
import { newestCheckpoint } from '../records/checkpoints.ts';
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
  const restored = restoreTree(state, checkpoint.tensors, checkpoint.path);
  disposeTree(state);
  reporter.say(`Continuing ${folder.root} after step ${checkpoint.step}.`);
  return { state: restored, step: checkpoint.step };
}
