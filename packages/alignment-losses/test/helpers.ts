/** Typed test tokens, and what an alignment is created for and reads. */
import type {
  Activations,
  AlignmentInputs,
  AlignmentSpec,
  LinearParams,
  RouterFactory,
  Tree,
} from '@ahpa/ports';
import { testTensor } from '@ahpa/test-utils';
import * as tf from '@tensorflow/tfjs-core';

/** Deterministic tokens [B, T, D] with values in [-1, 1). */
export function tokens(shape: readonly [number, number, number], seed: number): tf.Tensor3D {
  return testTensor(shape, seed) as tf.Tensor3D;
}

/** A network of `width` channels, and one group of targets as wide. */
export const specOf = (width: number, count = 4): AlignmentSpec => ({
  hiddenSize: width,
  tokens: count,
  patchSize: 1,
  latentWidth: width,
  encoderDepth: 1,
  path: 'linear',
  seed: 0,
  groups: [{ name: 'fine', width, tokens: count }],
});

/** A linear head that changes nothing. */
export const identity = (width: number): LinearParams => ({
  weight: tf.eye(width),
  bias: tf.zeros([width]),
});

/** The inputs of an alignment without a state; a member that is not given must not be read. */
export const inputsOf = <T extends Tree>(
  given: Partial<AlignmentInputs<T, Tree>>,
): AlignmentInputs<T, Tree> => ({ state: {}, ...given }) as AlignmentInputs<T, Tree>;

/** Hidden tokens of the taps, the same in every branch. */
export const seen = (...hidden: tf.Tensor3D[]): Activations => ({
  hidden,
  attention: [],
  branch: (_, tap) => hidden[tap] as tf.Tensor3D,
});

/** A router that weighs all groups the same. */
export const evenRouter: RouterFactory = {
  traits: { gates: false, needs: 'nothing' },
  create: ({ groups }) => ({
    init: () => ({}),
    initState: () => ({}),
    route: (_, { t }) => ({ weights: tf.fill([t.size, groups.length], 1 / groups.length) as tf.Tensor2D }),
    observe: () => ({}),
    update: (state) => state,
  }),
};
