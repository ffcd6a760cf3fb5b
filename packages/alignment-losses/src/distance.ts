/** Distances between projected tokens and their targets, by name. */
import { stopGradient } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import { assertTokens } from './assert.ts';
import { ntXentTokens } from './contrastive.ts';
import { cosineTokens } from './cosine.ts';
import { relationTokens } from './relation.ts';
import { smoothL1Tokens } from './smooth-l1.ts';

/** Cosine (REPA), NT-Xent (REPA), smooth-L1 (SRA), mean absolute or squared difference, relations between tokens. */
export type Distance = 'cosine' | 'nt-xent' | 'smooth-l1' | 'l1' | 'l2' | 'relation';

/** Every name of a distance. */
export const DISTANCES: readonly Distance[] = ['cosine', 'nt-xent', 'smooth-l1', 'l1', 'l2', 'relation'];

type TokenDistance = (projected: tf.Tensor3D, target: tf.Tensor3D) => tf.Tensor2D;

const difference = (projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor3D => {
  assertTokens('tokenDistance', projected, target);
  return tf.sub(
    projected,
    stopGradient(() => tf.clone(target), [target]),
  );
};

const FUNCTIONS: Readonly<Record<Distance, TokenDistance>> = {
  cosine: cosineTokens,
  'nt-xent': (projected, target) => ntXentTokens(projected, target),
  'smooth-l1': (projected, target) => smoothL1Tokens(projected, target),
  l1: (projected, target) => tf.mean(tf.abs(difference(projected, target)), 2),
  l2: (projected, target) => tf.mean(tf.square(difference(projected, target)), 2),
  relation: relationTokens,
};

/**
 * The distance of every token: projected, target [B, T, D] -> [B, T]. Targets are constants.
 * @throws RangeError where the shapes do not fit
 */
export function tokenDistance(kind: Distance, projected: tf.Tensor3D, target: tf.Tensor3D): tf.Tensor2D {
  return tf.tidy(() => FUNCTIONS[kind](projected, target));
}
