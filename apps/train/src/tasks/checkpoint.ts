/** Saves a run's state as it goes, with the metadata that sampling from it needs. */

import type { Tensors } from '@ahpa/checkpoint';
import { computeHistogram, type Value } from '@ahpa/event-files';
import type { Task } from '@ahpa/trainer';
import type { TaskContext } from './context.ts';

/** Values of a parameter that its histogram counts, evenly spread. */
const COUNTED = 1000;

/**
 * Reads the state where it is not saved yet and hands it to the saver, which writes it while training goes on and deletes what the
 * configuration does not keep.
 */
export function checkpoint({
  folder,
  meta,
  snapshot,
  saver,
  lock,
  recorder,
  from,
}: Omit<TaskContext, 'stretchAt'>): Task & { run(step: number): Promise<void> } {
  const { checkpointEvery, keepLast, keepEvery } = meta.config.train;
  let saved = from;
  const save = async (step: number): Promise<void> => {
    if (step === saved) return;
    await lock.check();
    const tensors = await snapshot(await saver.ready());
    await recorder.show(step, distributions(tensors));
    await saver.save({
      folder: folder.checkpoints,
      step,
      tensors,
      meta: { ...meta },
      rotation: { keepLast, keepEvery },
    });
    saved = step;
  };
  return { every: checkpointEvery, atEnd: 'always', run: save };
}

/** A histogram of each parameter. */
function distributions(tensors: Tensors): Value[] {
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
