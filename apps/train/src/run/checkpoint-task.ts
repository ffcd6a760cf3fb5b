/** Saves a run's state as it goes, with what is needed to sample from it. */

import type { Saver, Tensors } from '@ahpa/checkpoint';
import type { Training } from '@ahpa/engine';
import { computeHistogram, type Value } from '@ahpa/event-files';
import type { Lock } from '@ahpa/file-lock';
import type { Tree } from '@ahpa/ports';
import type { Task } from '@ahpa/trainer';
import type { RunMeta } from './checkpoints.ts';
import type { RunFolder } from './folder.ts';
import type { Recorder } from './recorder.ts';

/** Values of a parameter that its histogram counts, evenly spread. */
const COUNTED = 1000;

/** What is saved, how and where. */
export interface CheckpointParts {
  readonly folder: RunFolder;
  readonly meta: RunMeta;
  readonly snapshot: Training<Tree, Tree>['snapshot'];
  readonly saver: Saver;
  readonly lock: Lock;
  readonly recorder: Pick<Recorder, 'show'>;
  /** The step that is on disk already. */
  readonly from: number;
}

/**
 * Reads the state where it is not saved yet and hands it to the saver, which writes it while training goes on and deletes what the
 * configuration does not keep.
 */
export function checkpointTask({
  folder,
  meta,
  snapshot,
  saver,
  lock,
  recorder,
  from,
}: CheckpointParts): Task {
  const { checkpointEvery, keepLast, keepEvery } = meta.config.train;
  let saved = from;
  return {
    every: checkpointEvery,
    atEnd: 'always',
    run: async (step) => {
      if (step === saved) return;
      await lock.check();
      const tensors = await snapshot(await saver.ready());
      await recorder.show(step, distributionsOf(tensors));
      await saver.save({
        folder: folder.checkpoints,
        step,
        tensors,
        meta: { ...meta },
        rotation: { keepLast, keepEvery },
      });
      saved = step;
    },
  };
}

/** A histogram of each parameter. */
function distributionsOf(tensors: Tensors): Value[] {
  return Object.entries(tensors).flatMap(([tag, { dtype, data }]) => {
    if (!tag.startsWith('params.') || dtype !== 'F32') return [];
    const values = new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    const stride = Math.ceil(values.length / COUNTED);
    const some = Array.from(
      { length: Math.ceil(values.length / stride) },
      (_, i) => values[i * stride] as number,
    );
    const histogram = computeHistogram(some);
    return histogram === undefined ? [] : [{ tag: tag.replace('.', '/'), histogram }];
  });
}
