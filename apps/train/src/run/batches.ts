/** The batch of a step, whole or in parts. */

import type { Dataset } from '@ahpa/image-features';
import type { Batch, Tree } from '@ahpa/ports';
import { batchIndices } from '@ahpa/trainer';
import type { RunConfig } from '../config/types.ts';

/** The batch of a step in the parts that the configuration accumulates. */
export function stepBatch(
  { seed, batch, accumulate }: RunConfig,
  examples: Dataset,
  step: number,
): Promise<Batch<Tree>[]> {
  return inParts(batchIndices(seed, step, batch, examples.count), accumulate, examples);
}

/** The batch of items `rows` in `count` equal parts, whose gradients are added. */
export function inParts(rows: Uint32Array, count: number, dataset: Dataset): Promise<Batch<Tree>[]> {
  const size = rows.length / count;
  return Promise.all(
    Array.from({ length: count }, (_, i) => dataset.batch(rows.subarray(i * size, (i + 1) * size))),
  );
}
