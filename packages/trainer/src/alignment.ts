/**
 * The port of an auxiliary loss on hidden tokens. A step calls, in this order:
 * `weight` and `targets` outside the gradient, `loss` inside it, `update` with the metrics of the whole batch.
 */
import type { Denoised, Metrics, Rng, Tree } from '@ahpa/ports';
import type { Scalar, Tensor, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

/** What an alignment may know of a step; constants of the gradient, batch first. */
export type AlignmentContext<T extends Tree, M extends Tree> = {
  /** Steps taken before this one, int32 []. */
  readonly step: Tensor;
  /** Times and labels of the items, some labels dropped, `[B]`. */
  readonly t: Tensor1D;
  readonly y: Tensor1D;
  /** Clean latent and noise of the items, `[B, h, w, C]`. */
  readonly x0: Tensor4D;
  readonly noise: Tensor4D;
  /** Uniform numbers in [0, 1) for the alignment's own use, `[B]`. */
  readonly chance: Tensor1D;
  readonly targets: T;
  readonly memory: M;
  /** The denoiser by its first average (its parameters where none is kept) on the same latents, noise and labels at other times `[B]`. */
  readonly teacher: (t: Tensor1D) => Denoised;
};

/** What an alignment sees of the denoiser. */
export type Seen = {
  /** `[B, T, D]` at each tap. */
  readonly hidden: readonly Tensor3D[];
  /** `[B, N, T, T]` logits of each block asked for. */
  readonly attention: readonly Tensor4D[];
  /** The hidden tokens of a tap for one term of the loss, whose gradient is then measured under the term's name. */
  readonly branch: (term: string, tap: number) => Tensor3D;
};

/** What a loss returns: a scalar, and small metrics (a pair `x.sum`, `x.count` adds up over micro-batches and is reported as `x`). */
export type Aligned = { readonly loss: Scalar; readonly metrics: Metrics };

/**
 * An auxiliary loss on the hidden tokens. `B` is what batches hold as targets, `T` what the loss compares with, `M` what is
 * remembered from step to step without being trained.
 */
export interface Alignment<P extends Tree, B extends Tree, M extends Tree = Tree, T extends Tree = B> {
  /** Weight of the loss in the total, a number or a scalar for each step. */
  readonly weight: number | ((step: Tensor, memory: M) => Scalar);
  init(rng: Rng): P;
  /** The memory before the first step; an empty tree where there is none. */
  memory?(rng: Rng): M;
  /** What the loss compares with, computed outside the gradient; the batch's own targets where absent. */
  targets?(context: AlignmentContext<B, M>): T;
  loss(params: P, seen: Seen, context: AlignmentContext<T, M>): Aligned;
  /** The memory after a step, from the metrics of its whole batch (its own ones under `alignment.`); kept where the step is skipped. */
  update?(memory: M, metrics: Metrics, step: Tensor): M;
}
