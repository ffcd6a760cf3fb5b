/** The form in which functions run: models of parameters, and steppers of states. */

import type { Tensors } from '@ahpa/checkpoint';
import type { Stepper, StepResult, Tree } from '@ahpa/ports';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Parameters, and functions of them. */
export interface Model<P extends Tree> {
  /** `fn(params, ...inputs)` as a function of the inputs; what it returns is the caller's. */
  bind<I extends readonly Tree[], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
  /** The same where the first input is a batch `[B, ...]` whose items do not meet, and so is each result: parts may be computed side by side. */
  map<I extends readonly [Tensor, ...Tree[]], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
  dispose(): void;
}

/** A stepper, and the model that part of its state is. */
export interface Training<S extends Tree, B extends Tree> {
  readonly stepper: Stepper<S, B>;
  /** The present state in memory of its own, by dotted path; `memory`, an earlier answer, may be written over for it. */
  snapshot(memory?: Tensors): Promise<Tensors>;
  /** A model of the part of the state that `pick` names, always at its present values. */
  model<P extends Tree>(pick: (state: S) => P): Model<P>;
}

/** Makes models and steppers. */
export interface Engine {
  /** Takes over `params`. */
  model<P extends Tree>(params: P): Model<P>;
  /** Takes over `state`. */
  training<S extends Tree, B extends Tree>(
    step: (state: S, batch: B) => StepResult<S>,
    state: S,
  ): Training<S, B>;
}
