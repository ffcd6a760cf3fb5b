/** The network and the path between data and noise. */
import type { Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Rng } from './rng.ts';
import type { Tree } from './tree.ts';

/** Outputs of one forward pass. */
export type Denoised = {
  /** `[B, h, w, C]`. */
  readonly velocity: Tensor4D;
  /** `[B, T, D]` at each of its taps. */
  readonly hidden: readonly Tensor3D[];
  /** `[B, N, T, T]` attention logits of the requested blocks. */
  readonly attention?: readonly Tensor4D[];
};

/** A network that predicts the velocity of a noised latent and returns the hidden tokens at its taps. */
export interface Denoiser<P extends Tree> {
  init(rng: Rng): P;
  /**
   * `xt [B, h, w, C], t [B], y [B] int32 -> velocity [B, h, w, C], hidden [B, T, D] each`. With `tap`, the network returns and
   * continues with `tap(x, k)`, an equal tensor, in place of the hidden tokens x of its tap k.
   */
  apply(
    params: P,
    xt: Tensor4D,
    t: Tensor1D,
    y: Tensor1D,
    tap?: (hidden: Tensor3D, index: number) => Tensor3D,
  ): Denoised;
}

/** Names of the built-in paths between data and noise. */
export type Path = 'linear' | 'cosine';

/** The path between data (t = 0) and noise (t = 1). */
export interface Interpolant {
  /** `x0 [B, h, w, C], noise [B, h, w, C], t [B] -> xt, velocity [B, h, w, C]`. */
  interpolate(
    x0: Tensor4D,
    noise: Tensor4D,
    t: Tensor1D,
  ): { readonly xt: Tensor4D; readonly velocity: Tensor4D };
  /** The time at which ln(sigma / alpha) equals `logRatio`: `[B] -> [B]`. */
  timeAt(logRatio: Tensor1D): Tensor1D;
}

/** One batch. The latent is a posterior in the units the denoiser is trained in; every step draws a fresh sample from it. */
export type Batch<T extends Tree> = {
  /** `[B, h, w, C]` each. */
  readonly latent: { readonly mean: Tensor4D; readonly std: Tensor4D };
  /** `[B]` int32 class labels. */
  readonly y: Tensor1D;
  /** Targets of the alignment, batch first. */
  readonly targets: T;
};
