/** What AHPA asks of a router, whatever kind it is. */
import type { GroupWeights, Metrics, Rng, Tree } from '@ahpa/ports';
import type * as tf from '@tensorflow/tfjs-core';

/** What a router may look at. */
export interface RouterView<M extends Tree> {
  /** Times of the items, [B]. */
  readonly t: tf.Tensor1D;
  /** Steps taken, int32 []. */
  readonly step: tf.Tensor;
  readonly memory: M;
  /** Hidden tokens [B, T, D], for a router of tokens. */
  readonly tokens: tf.Tensor3D;
}

/** Weights of the groups, what the loss gains for the router's sake, and numbers to report. */
export interface Routed {
  readonly weights: GroupWeights;
  readonly penalty?: tf.Scalar;
  readonly metrics?: Metrics;
}

/** A way to weigh groups. */
export interface Router<P extends Tree = Tree, M extends Tree = Tree> {
  init(rng: Rng): P;
  memory(): M;
  route(params: P, view: RouterView<M>): Routed;
  /** By what the distances [B, G] of the groups are divided, constants [B, G]; as they are where absent. */
  usual?(perGroup: tf.Tensor2D, view: RouterView<M>): tf.Tensor2D;
  /** What the memory is made of, from the distances of a batch; sums and counts. */
  observe?(perGroup: tf.Tensor2D, t: tf.Tensor1D): Metrics;
  /** The memory after a step, from its metrics as the trainer names them. */
  update?(memory: M, metrics: Metrics): M;
}
