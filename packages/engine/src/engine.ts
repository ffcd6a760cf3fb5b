/**
 * The port between method and runtime: models of parameters, and steppers of states. Step functions and models are plain
 * TensorFlow.js; a runtime is added by implementing `Engine` alone.
 */
import type { Stepper, StepResult, Tree } from '@ahpa/ports';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { NamedTensors } from './named-tensors.ts';

/** Parameters, and functions of them. */
export interface Model<P extends Tree> {
  /** `fn(params, ...inputs)` as a function of the inputs; the caller owns its results. */
  bind<I extends readonly Tree[], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
  /**
   * `bind` for a function that treats the items of a batch independently: first input and results `[B, ...]`, which may be
   * computed in parts.
   */
  map<I extends readonly [Tensor, ...Tree[]], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
  /** Releases the bound functions, and the parameters unless they are part of a training state. */
  dispose(): void;
}

/** A stepper, and models of its state. */
export interface Training<S extends Tree, B extends Tree> {
  /** Takes the steps; its `dispose` releases the state. */
  readonly stepper: Stepper<S, B>;
  /** A copy of the present state by dotted path; `memory`, an earlier result, may be overwritten and returned. */
  snapshot(memory?: NamedTensors): Promise<NamedTensors>;
  /** A model of the part of the state that `pick` selects, always at its present values. */
  model<P extends Tree>(pick: (state: S) => P): Model<P>;
}

/** Creates models and steppers on one runtime. */
export interface Engine {
  /** A model of `params`, which the engine owns from then on. */
  model<P extends Tree>(params: P): Model<P>;
  /** Training by `step`, a pure function, from `state`, which the engine owns from then on. */
  training<S extends Tree, B extends Tree>(
    step: (state: S, batch: B) => StepResult<S>,
    state: S,
  ): Training<S, B>;
}
