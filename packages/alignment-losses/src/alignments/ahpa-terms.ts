/** The terms of AHPA's loss: every group at each of its depths, with its own head. */
import type { AlignmentSpec, FeatureGroup } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { type Distance, tokenDistance } from '../distance.ts';
import { unfoldTokens } from '../head.ts';
import { ascending } from '../kind.ts';
import type { AhpaOptions } from './ahpa-options.ts';

/** A group at a depth. */
export interface Term {
  readonly name: string;
  readonly group: number;
  /** Index of the network's tap. */
  readonly tap: number;
  /** Output width of its head: the target's, once for each of the `factor` x `factor` target tokens under a hidden one. */
  readonly out: number;
  readonly factor: number;
}

/** Blocks, counted from 1, whose hidden tokens are read. */
export const ahpaDepths = ({ depths }: Pick<AhpaOptions, 'depths'>, encoderDepth: number): number[] =>
  ascending([encoderDepth, ...Object.values(depths).flat()]);

/**
 * The terms in the order of groups, then depths.
 * @throws RangeError where a depth names no group, or a group fits no grid
 */
export function ahpaTerms(options: Pick<AhpaOptions, 'depths'>, spec: AlignmentSpec): Term[] {
  const { groups, encoderDepth, tokens } = spec;
  const names = groups.map(({ name }) => name);
  const stray = Object.keys(options.depths).find((name) => !names.includes(name));
  if (stray !== undefined) {
    throw new RangeError(
      `alignment.depths: there is no group "${stray}", wanted some of ${names.join(', ')}.`,
    );
  }
  const taps = ahpaDepths(options, encoderDepth);
  return groups.flatMap((group, g) => {
    const factor = gridFactor(group, tokens);
    const term = { name: group.name, group: g, out: group.width * factor ** 2, factor };
    return (options.depths[group.name] ?? [encoderDepth]).map((depth) => ({
      ...term,
      tap: taps.indexOf(depth),
    }));
  });
}

/** Side of a group's token grid over the side of the hidden tokens' grid. */
function gridFactor({ name, tokens: count }: FeatureGroup, tokens: number): number {
  const factor = Math.sqrt(count / tokens);
  if (Number.isInteger(factor)) return factor;
  throw new RangeError(
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
