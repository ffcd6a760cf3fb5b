/** The batch of a step, whole or in parts. */

import type { Dataset } from '@ahpa/image-features';
import type { Batch, Tree } from '@ahpa/ports';

/** The batch of items `rows` in `count` equal parts, whose gradients are added. */
export function inParts(rows: Uint32Array, count: number, dataset: Dataset): Promise<Batch<Tree>[]> {
  const size = rows.length / count;
  return Promise.all(
    Array.from({ length: count }, (_, i) => dataset.batch(rows.subarray(i * size, (i + 1) * size))),
  );
}
