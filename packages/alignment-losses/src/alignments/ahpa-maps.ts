/** Normalisation of targets, and for the target mix fixed orthonormal maps to one width. */

import type { FeatureGroup, Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';
import { channelNorm, spatialZScore } from '../normalize.ts';
import type { AhpaOptions } from './ahpa-options.ts';

/**
 * Normalised targets, `[B, T, d] -> [B, T, d]`: `dataset` keeps them (standardised over the data), `spatial` and `channel` norm
 * each image or token.
 */
export function normalizeTargets(tokens: tf.Tensor3D, kind: AhpaOptions['targetNorm']): tf.Tensor3D {
  switch (kind) {
    case 'dataset':
      return tf.clone(tokens);
    case 'spatial':
      return spatialZScore(tokens);
    case 'channel':
      return channelNorm(tokens);
  }
}

/** Common width of the target mix: the narrowest group. */
export const commonWidth = (groups: readonly FeatureGroup[]): number =>
  Math.min(...groups.map(({ width }) => width));

/** One map [width, common] for each group, with orthonormal columns; the identity where the widths agree. Reads numbers on the host. */
export function initMaps(groups: readonly FeatureGroup[], rng: Rng): tf.Tensor2D[] {
  const common = commonWidth(groups);
  return groups.map(({ name, width }) =>
    tf.tidy(() => {
      if (width === common) return tf.eye(common);
      const columns = rng.normal([common, width], `init/maps.${name}`).arraySync() as number[][];
      return tf.transpose(tf.tensor2d(orthonormal(columns))) as tf.Tensor2D;
    }),
  );
}

/** Modified Gram-Schmidt, in double precision. */
function orthonormal(vectors: readonly (readonly number[])[]): number[][] {
  const done: number[][] = [];
  for (const vector of vectors) {
    const rest = [...vector];
    for (const unit of done) {
      const along = unit.reduce((sum, x, i) => sum + x * (rest[i] as number), 0);
      unit.forEach((x, i) => {
        rest[i] = (rest[i] as number) - along * x;
      });
    }
    const norm = Math.hypot(...rest);
    done.push(rest.map((x) => x / norm));
  }
  return done;
}

/** Maps every group: `[B, T, d_g]` times `[d_g, d]`. */
export function applyMaps(targets: readonly tf.Tensor3D[], maps: readonly tf.Tensor2D[]): tf.Tensor3D[] {
  return targets.map((tokens, g) => {
    const map = maps[g] as tf.Tensor2D;
    const [batch, count, width] = tokens.shape;
    const rows = tf.matMul(tf.reshape(tokens, [batch * count, width]), map);
    return tf.reshape(rows, [batch, count, map.shape[1]]);
  });
}
