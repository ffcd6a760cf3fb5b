/** The order in which a run visits its data, as a function of (seed, epoch) only. */
import { philoxWords, streamKey } from './philox.ts';

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

/** Indices of step's batch: epochs of floor(n / batchSize) full batches, the rest of each epoch's order dropped. */
export function batchIndices(seed: number, step: number, batchSize: number, n: number): Uint32Array {
  const stepsPerEpoch = Math.floor(n / batchSize);
  if (stepsPerEpoch < 1) {
    throw new RangeError(
      `batchIndices: got a batch of ${batchSize} for ${n} items, wanted at most ${n}; lower the batch size.`,
    );
  }
  const epoch = Math.floor(step / stepsPerEpoch);
  const key = `${seed}/${epoch}/${n}`;
  if (latest?.key !== key) latest = { key, order: epochOrder(seed, epoch, n) };
  const start = (step % stepsPerEpoch) * batchSize;
  return latest.order.slice(start, start + batchSize);
}
