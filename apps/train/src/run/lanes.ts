/** Batches in halves that a graph computes side by side, each operation on half of the processors. */
import { availableParallelism } from 'node:os';
import { joinLanes, laneCount, splitLanes } from '@ahpa/dit-core';
import { flatten, type Tree, unflatten } from '@ahpa/trainer';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Chains that a batch is computed in. */
export const LANES = 2;

/** Threads of one operation, so that those of all chains together occupy the machine. */
export const threadsPerOp = (): number => Math.max(1, Math.floor(availableParallelism() / LANES));

/** `fn(x)` of each part of a batch `x [B, ...]`, its results `[B, ...]` joined. */
export function inLanes<X extends Tensor, R extends Tree>(lanes: number, x: X, fn: (part: X) => R): R {
  const results = splitLanes(x, laneCount(x.shape[0] as number, lanes)).map(fn);
  const columns = results.map(flatten);
  const joined = (columns[0] as Tensor[]).map((_, i) =>
    joinLanes(columns.map((leaves) => leaves[i] as Tensor)),
  );
  return unflatten(results[0] as R, joined);
}
