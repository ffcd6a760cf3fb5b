/** The form of a network that gives images features. */
import type * as tf from '@tensorflow/tfjs-core';

/** Features of a batch of images. */
export interface ImageFeatures {
  /** `[B, D]`: of the whole image; the Frechet distance, precision, recall and KID compare these. */
  readonly pooled: tf.Tensor2D;
  /** `[B, S]`: spatial features; the spatial Frechet distance compares these. */
  readonly spatial: tf.Tensor2D;
  /** `[B, classes]`: their softmax is what the Inception Score compares. */
  readonly logits: tf.Tensor2D;
}

/** Parameters by name. */
export type NetworkParams = { readonly [name: string]: tf.Tensor };

/** A network, whatever backend runs it. */
export interface FeatureNetwork {
  /** Prefix of the names of its metrics: `` for FID itself, `sqz-` for SqueezeNet's. */
  readonly prefix: 'sqz-' | '';
  readonly name: string;
  /** Images `[B, H, W, 3]` of values 0 to 255 -> features. */
  apply(params: NetworkParams, images: tf.Tensor4D): ImageFeatures;
}
