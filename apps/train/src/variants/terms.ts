/** The terms of AHPA's loss: every group at each of its depths, with a head of its own. */
import { type Distance, tokenDistance, unfoldTokens } from '@ahpa/alignment-losses';
import { userError } from '@ahpa/messages';
import * as tf from '@tensorflow/tfjs-core';
import type { AhpaConfig } from '../config/types-alignment.ts';
import { type AlignmentContext, type FeatureGroup, tapsOf } from './context.ts';

/** A group at a depth. */
export interface Term {
  readonly name: string;
  readonly group: number;
  /** Index of the network's tap. */
  readonly tap: number;
  /** Width that its head puts out: the target's, once for each of the `factor` x `factor` target tokens under a hidden one. */
  readonly out: number;
  readonly factor: number;
}

/** The terms in the order of groups, then depths. */
export function termsOf(config: AhpaConfig, context: AlignmentContext): Term[] {
  const { groups, encoderDepth, tokens } = context;
  const names = groups.map(({ name }) => name);
  const stray = Object.keys(config.depths).find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw userError(`alignment.depths: there is no group "${stray}", wanted some of ${names.join(', ')}.`);
  }
  const taps = tapsOf(config, encoderDepth).depths;
  return groups.flatMap((group, g) => {
    const factor = factorOf(group, tokens);
    const term = { name: group.name, group: g, out: group.width * factor ** 2, factor };
    return (config.depths[group.name] ?? [encoderDepth]).map((depth) => ({
      ...term,
      tap: taps.indexOf(depth),
    }));
  });
}

/** How many times as fine as the hidden tokens a group's grid is. */
function factorOf({ name, tokens: count }: FeatureGroup, tokens: number): number {
  const factor = Math.sqrt(count / tokens);
  if (Number.isInteger(factor)) return factor;
  throw userError(
    `The group "${name}" has ${count} tokens an image, wanted ${tokens} as the model or a square multiple of it.`,
  );
}

/** Distances [B, T_g] of every group, the mean over its terms. */
export function groupDistances(
  terms: readonly Term[],
  projected: readonly tf.Tensor3D[],
  targets: readonly tf.Tensor3D[],
  distance: Distance,
): tf.Tensor2D[] {
  return targets.map((target, g) => {
    const own = terms.flatMap(({ group, factor }, i) =>
      group === g ? [tokenDistance(distance, unfoldTokens(projected[i] as tf.Tensor3D, factor), target)] : [],
    );
    return own.length === 1 ? (own[0] as tf.Tensor2D) : (tf.mean(tf.stack(own), 0) as tf.Tensor2D);
  });
}
