/** Saves a run's state as it goes, with what is needed to sample from it. */
import { rotate, saveCheckpoint } from '@ahpa/checkpoint';
import type { Stepper, Task, Tree } from '@ahpa/trainer';
import type { TrainConfig } from '../config/types.ts';
import type { RunMeta } from './checkpoints.ts';
import type { RunFolder } from './folder.ts';
import { tensorsOf } from './tree-file.ts';

/** Saves the state where it is not saved yet, and deletes all but the newest `keepLast` checkpoints. */
export function checkpointTask(
  config: TrainConfig,
  { checkpoints }: RunFolder,
  { shape, classes }: Pick<RunMeta, 'shape' | 'classes'>,
  stepper: Pick<Stepper<Tree, Tree>, 'state'>,
  from: number,
): Task {
  const { checkpointEvery, keepLast } = config.train;
  const meta: RunMeta = { config, shape, classes };
  let saved = from;
  return {
    every: checkpointEvery,
    atEnd: 'always',
    run: async (step) => {
      if (step === saved) return;
      await saveCheckpoint(checkpoints, step, await tensorsOf(stepper.state()), { ...meta });
      await rotate(checkpoints, { keepLast, keepEvery: 0 });
      saved = step;
    },
  };
}
