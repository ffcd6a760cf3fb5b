/** Batches in halves that a graph computes side by side, each operation on half of the processors. */
import { availableParallelism } from 'node:os';
import { joinLanes, laneCount, splitLanes } from '@ahpa/dit-core';
import { flatten, type Tree, unflatten } from '@ahpa/trainer';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Chains that a batch is computed in. */
export const LANES = 2;

/** Threads of one operation, so that those of all chains together occupy the machine. */
export const threadsPerOp = (): number => Math.max(1, Math.floor(availableParallelism() / LANES));

/** `fn` of each part of a batch, a tensor `[B, ...]` or a tree of them, its results `[B, ...]` joined. */
export function inLanes<X extends Tree, R extends Tree>(lanes: number, batch: X, fn: (part: X) => R): R {
  const given = flatten(batch);
  const count = laneCount(given[0]?.shape[0] as number, lanes);
  const results = turned(given.map((x) => splitLanes(x, count))).map((part) => fn(unflatten(batch, part)));
  return unflatten(results[0] as R, turned(results.map(flatten)).map(joinLanes));
}

/** Columns as rows. */
const turned = (rows: readonly Tensor[][]): Tensor[][] =>
  (rows[0] as Tensor[]).map((_, i) => rows.map((row) => row[i] as Tensor));
