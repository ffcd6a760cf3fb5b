/** Lanes (chains): parts of a batch that a graph computes side by side. */
import type { Tree } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { flatten, unflatten } from './tree.ts';

/** Number of lanes of a batch under a compiling backend. */
export const LANES = 2;

/** Number of lanes of a batch: `lanes` where that divides it, else 1. */
export const laneCount = (batch: number, lanes = 1): number => (batch % lanes === 0 ? lanes : 1);

/** x [B, ...] in `count` parts of B / count items each. */
export const splitLanes = <X extends tf.Tensor>(x: X, count: number): X[] =>
  count === 1 ? [x] : (tf.split(x, count) as X[]);

/** The parts as one batch again. */
export const joinLanes = <X extends tf.Tensor>(parts: readonly X[]): X =>
  parts.length === 1 ? (parts[0] as X) : (tf.concat([...parts]) as X);

/** `fn` of each part of a batch, a tensor `[B, ...]` or a tree of them, its results `[B, ...]` joined. */
export function inLanes<X extends Tree, R extends Tree>(lanes: number, batch: X, fn: (part: X) => R): R {
  const given = flatten(batch);
  const count = laneCount(given[0]?.shape[0] as number, lanes);
  const results = turned(given.map((x) => splitLanes(x, count))).map((part) => fn(unflatten(batch, part)));
  return unflatten(results[0] as R, turned(results.map(flatten)).map(joinLanes));
}

/** Columns as rows. */
const turned = (rows: readonly tf.Tensor[][]): tf.Tensor[][] =>
  (rows[0] as tf.Tensor[]).map((_, i) => rows.map((row) => row[i] as tf.Tensor));
