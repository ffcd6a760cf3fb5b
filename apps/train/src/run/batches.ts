/** The batch of a step, whole or in parts. */
import type { Batch, Tree } from '@ahpa/ports';
import { batchIndices } from '@ahpa/trainer';
import type { RunConfig } from '../config/types.ts';
import type { Examples } from '../features/examples.ts';

/** The batch of a step in the parts that the configuration accumulates. */
export function stepBatch(
  { seed, batch, accumulate }: RunConfig,
  examples: Examples,
  step: number,
): Promise<Batch<Tree>[]> {
  return inParts(batchIndices(seed, step, batch, examples.count), accumulate, examples);
}

/** The batch of items `rows` in `count` equal parts, whose gradients are added. */
export function inParts(rows: Uint32Array, count: number, examples: Examples): Promise<Batch<Tree>[]> {
  const size = rows.length / count;
  return Promise.all(
    Array.from({ length: count }, (_, i) => examples.batch(rows.subarray(i * size, (i + 1) * size))),
  );
}
