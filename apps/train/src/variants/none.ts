/** No alignment: the denoising loss alone. */
import type { Alignment } from '@ahpa/trainer';
import * as tf from '@tensorflow/tfjs-core';

/** An alignment without parameters, targets or loss. */
export function noAlignment(): Alignment<Record<string, never>, Record<string, never>> {
  return {
    weight: 0,
    init: () => ({}),
    loss: () => ({ loss: tf.scalar(0), metrics: {} }),
  };
}
