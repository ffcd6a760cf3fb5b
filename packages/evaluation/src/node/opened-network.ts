/** The port of feature networks on a backend, independent of their file format. */

import type * as tf from '@tensorflow/tfjs-core';
import type { FeatureNetwork, ImageFeatures } from '../networks/network.ts';

/** A feature network on a backend. */
export interface OpenFeatureNetwork extends Pick<FeatureNetwork, 'prefix' | 'name'> {
  /** SHA-256 of its weights. */
  readonly sha256: string;
  /** Features of images `[B, H, W, 3]`, 0 to 255; owned by the caller. */
  run(images: tf.Tensor4D): ImageFeatures;
  dispose(): void;
}
