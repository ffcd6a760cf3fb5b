/** The shapes of what the trainer is given: trees of tensors, random numbers, a denoiser, an interpolant, a batch. */
import type { Tensor, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';

/** A plain tree of tensors: any nesting of arrays and objects, empty ones included. Declare your trees with `type`, not `interface`. */
export type Tree = Tensor | readonly Tree[] | { readonly [key: string]: Tree };

/** Counter-based random numbers: a value depends only on (seed, stream, step, element index). An absent step is 0. */
export interface Rng {
  /** Standard normal numbers, float32. `step` is an int32 scalar. */
  normal(shape: readonly number[], stream: string, step?: Tensor): Tensor;
  /** Uniform numbers in [0, 1), float32. `step` is an int32 scalar. */
  uniform(shape: readonly number[], stream: string, step?: Tensor): Tensor;
}

/** What a denoiser shows of one pass. */
export type Denoised = {
  /** `[B, h, w, C]`. */
  readonly velocity: Tensor4D;
  /** `[B, T, D]` at each of its taps. */
  readonly hidden: readonly Tensor3D[];
  /** `[B, N, T, T]` attention logits of the blocks it was asked for. */
  readonly attention?: readonly Tensor4D[];
};

/** A network that predicts the velocity of a noised latent and shows the hidden tokens it was asked to tap. */
export interface Denoiser<P extends Tree> {
  init(rng: Rng): P;
  /**
   * `xt [B, h, w, C], t [B], y [B] int32 -> velocity [B, h, w, C], hidden [B, T, D] each`. With `tap`, the network shows and
   * goes on with `tap(x, k)`, an equal tensor, in place of the hidden tokens x of its tap k.
   */
  apply(
    params: P,
    xt: Tensor4D,
    t: Tensor1D,
    y: Tensor1D,
    tap?: (hidden: Tensor3D, index: number) => Tensor3D,
  ): Denoised;
}

/** The path between data (t = 0) and noise (t = 1). */
export interface Interpolant {
  /** `x0 [B, h, w, C], noise [B, h, w, C], t [B] -> xt, velocity [B, h, w, C]`. */
  interpolate(
    x0: Tensor4D,
    noise: Tensor4D,
    t: Tensor1D,
  ): { readonly xt: Tensor4D; readonly velocity: Tensor4D };
}

/** One batch. The latent is a posterior in the units the denoiser is trained in; every step draws a fresh sample from it. */
export type Batch<T extends Tree> = {
  /** `[B, h, w, C]` each. */
  readonly latent: { readonly mean: Tensor4D; readonly std: Tensor4D };
  /** `[B]` int32 class labels. */
  readonly y: Tensor1D;
  /** Whatever the alignment compares with, batch first. */
  readonly targets: T;
};

/** Small tensors by name, owned by whoever receives them. */
export type Metrics = Readonly<Record<string, Tensor>>;
