/**
 * An auxiliary loss on hidden tokens. A training step calls, in this order:
 * `targets` outside the gradient, `loss` inside it, `update` with the observations of the whole batch.
 */
import type { Scalar, Tensor, Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Denoised, Path } from './denoiser.ts';
import type { Rng } from './rng.ts';
import type { Metrics, Sums, Tree } from './tree.ts';

/** Inputs of an alignment at one step; constants of the gradient, batch first. */
export type AlignmentInputs<T extends Tree, S extends Tree> = {
  /** Steps taken before this one, int32 []. */
  readonly step: Tensor;
  /** Times and labels of the items, some labels dropped, `[B]`. */
  readonly t: Tensor1D;
  readonly y: Tensor1D;
  /** Mean of the latent's posterior, the latent drawn from it, and the noise, `[B, h, w, C]`. */
  readonly mean: Tensor4D;
  readonly x0: Tensor4D;
  readonly noise: Tensor4D;
  /** Uniform numbers in [0, 1) for the alignment's own use, `[B]`. */
  readonly u: Tensor1D;
  readonly targets: T;
  readonly state: S;
  /** The denoiser by its first average (its parameters where none is kept) on the same latents, noise and labels at other times `[B]`. */
  readonly teacher: (t: Tensor1D) => Denoised;
};

/** Activations of the denoiser that an alignment reads. */
export type Activations = {
  /** `[B, T, D]` at each tap. */
  readonly hidden: readonly Tensor3D[];
  /** `[B, N, T, T]` logits of each requested block. */
  readonly attention: readonly Tensor4D[];
  /** The hidden tokens of a tap for one term of the loss, whose gradient is then measured under the term's name. */
  readonly branch: (term: string, tap: number) => Tensor3D;
};

/** The value of an alignment loss on a batch, or on a part of one. */
export type Aligned<O extends Tree> = {
  readonly loss: Scalar;
  /** Mean distance to the targets, []; weight schedules follow it. */
  readonly distance: Scalar;
  /** Sums and counts for `update`, added up over the parts of a batch. */
  readonly observed: O;
  /** Small metrics to report; a pair `x.sum`, `x.count` adds up over parts and is reported as `x`. */
  readonly metrics: Metrics;
};

/** Statistics of a step's whole batch, from which states are updated. */
export type Observations<O extends Tree> = {
  readonly observed: O;
  /** Mean distance to the targets, []. */
  readonly distance: Tensor;
  /** Cosines of the alignment's gradient with the denoising gradient at the hidden tokens, []; absent where it reads none. */
  readonly cosine?: Sums;
  /** The same of every branch by its term, in ten equal bins of t, [10]. */
  readonly cosineByTime: Readonly<Record<string, Sums>>;
};

/** The taps of a denoiser: blocks counted from 1, ascending, whose hidden tokens, and blocks counted from 0 whose attention, are read. */
export type Taps = { readonly depths: readonly number[]; readonly attention: readonly number[] };

/** A group of target features: its name, the width of its tokens, and their number for an image. */
export type FeatureGroup = { readonly name: string; readonly width: number; readonly tokens: number };

/** The network and the data that an alignment is created for. */
export type AlignmentSpec = {
  readonly hiddenSize: number;
  /** Hidden tokens of an image. */
  readonly tokens: number;
  readonly patchSize: number;
  /** Width of the latent cut into patches. */
  readonly latentWidth: number;
  /** The block, counted from 1, whose tokens are aligned unless an option names another. */
  readonly encoderDepth: number;
  readonly path: Path;
  readonly seed: number;
  /** The targets of every batch, in order; groups of VAE features finest first. */
  readonly groups: readonly FeatureGroup[];
};

/**
 * An auxiliary loss on the hidden tokens. `P` are its trained parameters, `B` the targets of a batch, `S` its state (kept from step to
 * step, not trained), `T` the targets of its loss, `O` its observations.
 */
export interface Alignment<
  P extends Tree = Tree,
  B extends Tree = Tree,
  S extends Tree = Tree,
  T extends Tree = B,
  O extends Tree = Tree,
> {
  init(rng: Rng): P;
  /** The state before the first step. */
  initState(rng: Rng): S;
  /** The targets of the loss, computed outside the gradient. */
  targets(inputs: AlignmentInputs<B, S>): T;
  loss(params: P, activations: Activations, inputs: AlignmentInputs<T, S>): Aligned<O>;
  /** The state after a step. A step that is skipped keeps the old one. */
  update(state: S, observations: Observations<O>, step: Tensor): S;
}

/** The weight of an alignment in the total loss over training. It owns its state. */
export interface WeightSchedule<S extends Tree = Tree> {
  initState(): S;
  /** `step int32 [] -> []`. */
  weight(step: Tensor, state: S): Scalar;
  update(state: S, observations: Observations<Tree>, step: Tensor): S;
}
