/** The batch of a step, whole or in parts. */

import type { Dataset } from '@ahpa/image-features';
import { userError } from '@ahpa/messages';
import type { Batch, Tree } from '@ahpa/ports';
import { indicesFrom } from '@ahpa/trainer';
import { imagesAt } from '../config/changes.ts';
import type { RunMeta } from '../records/checkpoints.ts';

/** The items of a step's batch: those that follow the images of all steps before it in the order of the epochs. */
export function stepRows(
  { config: { train }, changes }: Pick<RunMeta, 'config' | 'changes'>,
  { count }: Pick<Dataset, 'count'>,
  step: number,
): Uint32Array {
  const { seed, batch } = train;
  if (batch > count)
    throw userError(`train.batch is ${batch}, and there are ${count} images to train on: lower it.`);
  return indicesFrom(seed, imagesAt(step, batch, changes), batch, count);
}

/** The batch of items `rows` in `count` equal parts, whose gradients are added. */
export function inParts(rows: Uint32Array, count: number, dataset: Dataset): Promise<Batch<Tree>[]> {
  const size = rows.length / count;
  return Promise.all(
    Array.from({ length: count }, (_, i) => dataset.batch(rows.subarray(i * size, (i + 1) * size))),
  );
}
