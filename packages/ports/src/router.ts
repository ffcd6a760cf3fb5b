/** A router: weights of feature groups at a time. */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Observations } from './alignment.ts';
import type { Path } from './denoiser.ts';
import type { Rng } from './rng.ts';
import type { Metrics, Tree } from './tree.ts';

/** Weights of the groups: one row for each image [B, G], or for each of its tokens [B, T, G]. */
export type GroupWeights = Tensor2D | Tensor3D;

/** Inputs of a router. */
export type RouterInputs<S extends Tree> = {
  /** Times of the items, [B]. */
  readonly t: Tensor1D;
  /** Steps taken, int32 []. */
  readonly step: Tensor;
  readonly state: S;
  /** Hidden tokens [B, T, D], for a router of tokens. */
  readonly tokens: Tensor3D;
};

/** Weights of the groups, a term of the loss that trains the router, and metrics. */
export type Routed = {
  readonly weights: GroupWeights;
  readonly penalty?: Scalar;
  readonly metrics?: Metrics;
};

/** Context in which a router is created. */
export type RouterContext = {
  /** Names of the groups, finest first. */
  readonly groups: readonly string[];
  readonly hiddenSize: number;
  readonly path: Path;
  readonly seed: number;
  /** Shares of sum 1, or a gate in (0, 1) for each group. */
  readonly form: 'softmax' | 'gates';
};

/** Requirements of a router on the loss that it weighs. */
export type RouterTraits = {
  /** Whether it can put out gates. */
  readonly gates: boolean;
  /** Whether it needs a loss, or a gradient at the hidden tokens, of each group by itself. */
  readonly needs: 'nothing' | 'group losses' | 'group gradients';
};

/** Weights of groups as a function of the time. `P` are its parameters, `S` its state, `O` its observations. */
export interface Router<P extends Tree = Tree, S extends Tree = Tree, O extends Tree = Tree> {
  init(rng: Rng): P;
  initState(): S;
  route(params: P, inputs: RouterInputs<S>): Routed;
  /** Divisors of the distances [B, G] of the groups, constants [B, G]; ones where absent. */
  normalizer?(perGroup: Tensor2D, inputs: RouterInputs<S>): Tensor2D;
  /** Sums and counts for `update`, from the distances [B, G] of a batch and the weights that they were given. */
  observe(perGroup: Tensor2D, t: Tensor1D, weights: GroupWeights): O;
  update(state: S, observations: Observations<O>): S;
}

/** Factory with which an alignment creates a router for its groups. */
export type RouterFactory = {
  readonly traits: RouterTraits;
  create(context: RouterContext): Router;
};
