/** Saves a run's state as it goes, with what is needed to sample from it. */
import type { Saver } from '@ahpa/checkpoint';
import type { Stepper, Task, Tree } from '@ahpa/trainer';
import type { RunMeta } from './checkpoints.ts';
import type { RunFolder } from './folder.ts';
import type { Lock } from './lock.ts';
import { tensorsOf } from './tree-file.ts';

/** What is saved, how and where. */
export interface CheckpointParts {
  readonly folder: RunFolder;
  readonly meta: RunMeta;
  readonly stepper: Pick<Stepper<Tree, Tree>, 'state'>;
  readonly saver: Saver;
  readonly lock: Lock;
  /** The step that is on disk already. */
  readonly from: number;
}

/**
 * Reads the state where it is not saved yet and hands it to the saver, which writes it while training goes on and deletes what the
 * configuration does not keep.
 */
export function checkpointTask({ folder, meta, stepper, saver, lock, from }: CheckpointParts): Task {
  const { checkpointEvery, keepLast, keepEvery, backend, eager } = meta.config.train;
  const isCopy = backend === 'tensorflow' && !eager; // a compiled stepper's state is read from the device
  let saved = from;
  return {
    every: checkpointEvery,
    atEnd: 'always',
    run: async (step) => {
      if (step === saved) return;
      await lock.check();
      await saver.save({
        folder: folder.checkpoints,
        step,
        tensors: await tensorsOf(stepper.state(), { copy: !isCopy }),
        meta: { ...meta },
        rotation: { keepLast, keepEvery },
      });
      saved = step;
    },
  };
}
