/** The order in which a run visits its data, as a function of (seed, epoch) only. */
import { philoxWords, streamKey } from '@ahpa/ops';

/** A uniform permutation of 0..n-1 (Fisher-Yates on Philox words of the stream `order`). */
export function epochOrder(seed: number, epoch: number, n: number): Uint32Array {
  const words = philoxWords(streamKey(seed, 'order'), epoch, n);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(((words[i] as number) * (i + 1)) / 2 ** 32);
    const other = order[j] as number;
    order[j] = order[i] as number;
    order[i] = other;
  }
  return order;
}

let latest: { readonly key: string; readonly order: Uint32Array } | undefined;

function getOrder(seed: number, epoch: number, n: number): Uint32Array {
  const key = `${seed}/${epoch}/${n}`;
  if (latest?.key !== key) latest = { key, order: epochOrder(seed, epoch, n) };
  return latest.order;
}

/**
 * Indices of a step's batch: the epochs' orders one after the other, cut into batches, so that every epoch has each item once.
 * @throws RangeError where the batch is larger than the data set
 */
export function batchIndices(seed: number, step: number, batchSize: number, n: number): Uint32Array {
  if (batchSize > n) {
    throw new RangeError(
      `batchIndices: got a batch of ${batchSize} for ${n} items, wanted at most ${n}; lower the batch size.`,
    );
  }
  return indicesFrom(seed, step * batchSize, batchSize, n);
}

/** Indices of `count` items from position `start` of the epochs' orders one after the other: `start` items were visited before. */
export function indicesFrom(seed: number, start: number, count: number, n: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => {
    const epoch = Math.floor((start + i) / n);
    return getOrder(seed, epoch, n)[(start + i) % n] as number;
  });
}
