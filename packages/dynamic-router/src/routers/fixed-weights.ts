/** Routers whose weights are a function of the time alone. */
import type { Router } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { completeRouter } from '../complete.ts';
import { type RouteTime, routeTime } from '../time.ts';

/** Time at which weights are looked up. */
export const time = z
  .enum(['as-is', 'reversed', 'shuffled'])
  .default('as-is')
  .describe('Time at which the weights of t are looked up: t, 1 - t, or t in shuffled bins; controls, ours.');

/** A router without parameters and state: `weigh`, t [B] -> [B, G], at the time given by `time`. */
export function fixedWeights(time: RouteTime, seed: number, weigh: (t: tf.Tensor1D) => tf.Tensor2D): Router {
  return completeRouter({ route: (_, { t }) => ({ weights: weigh(routeTime(time, t, seed)) }) });
}
