/** No alignment: the denoising loss alone. */
import { section } from '@ahpa/options';
import * as tf from '@tensorflow/tfjs-core';
import { completeAlignment } from '../complete.ts';
import { defineAlignment } from '../kind.ts';
import { constantWeight } from '../weight-schedule.ts';

/** An alignment without parameters, targets or loss. */
export const none = defineAlignment({
  kind: 'none',
  label: 'Denoising alone.',
  options: section({}),
  taps: () => ({ depths: [], attention: [] }),
  weight: () => constantWeight(0),
  create: () => completeAlignment({ loss: () => ({ loss: tf.scalar(0) }) }),
});
