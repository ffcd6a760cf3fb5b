/** Per-sample random numbers, so that a sample does not depend on its batch. */
import type { Rng } from '@ahpa/ports';
import * as tf from '@tensorflow/tfjs-core';

const LARGEST_INDEX = 2 ** 31 - 1;

/**
 * Standard normal numbers of the samples `indices`, each of `shape` -> [B, ...shape]. A row depends on the seed of `rng`,
 * `stream`, `step` and its own index alone: indices are the counter of the stream `<stream>/<step>`, so streams cannot collide.
 * @throws RangeError where an index is not a whole number in range
 */
export function sampleNoise(
  rng: Rng,
  indices: readonly number[],
  shape: readonly number[],
  stream: string,
  step = 0,
): tf.Tensor {
  const wrong = indices.find((index) => !(Number.isInteger(index) && index >= 0 && index <= LARGEST_INDEX));
  if (wrong !== undefined) {
    throw new RangeError(
      `sampleNoise: index ${wrong} is not a whole number from 0 to ${LARGEST_INDEX}; number the samples of a run.`,
    );
  }
  return tf.tidy(() =>
    tf.stack(indices.map((index) => rng.normal(shape, `${stream}/${step}`, tf.scalar(index, 'int32')))),
  );
}
