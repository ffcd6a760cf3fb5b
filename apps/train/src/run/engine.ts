/** How functions run: compiled with TensorFlow, or op by op on any backend. */
import { disposeTree, eagerStepper, type Stepper, type StepResult, type Tree, tidyTree } from '@ahpa/trainer';
import { useBackend } from '../backend.ts';
import type { RunConfig } from '../config/types.ts';

/** Parameters, and functions of them. */
export interface Model<P extends Tree> {
  /** `fn(params, ...inputs)` as a function of the inputs; what it returns is the caller's. */
  bind<I extends readonly Tree[], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ): (...inputs: I) => R;
  dispose(): void;
}

/** A stepper, and the model that part of its state is. */
export interface Training<S extends Tree, B extends Tree> {
  readonly stepper: Stepper<S, B>;
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

/** Selects the backend and says how it is used: compiled where it can be and nobody asked for the opposite. */
export async function createEngine({
  backend,
  eager,
  precision,
}: Pick<RunConfig, 'backend' | 'eager' | 'precision'>): Promise<Engine> {
  await useBackend(backend);
  if (backend !== 'tensorflow' || eager) return eagerEngine;
  const { compiledEngine } = await import('./compiled-engine.ts');
  return compiledEngine(precision);
}

function eagerModel<P extends Tree>(params: () => P, dispose: () => void): Model<P> {
  return {
    bind:
      (fn) =>
      (...inputs) =>
        tidyTree(() => fn(params(), ...inputs)),
    dispose,
  };
}

/** Runs everything op by op on the active backend. */
export const eagerEngine: Engine = {
  model: (params) =>
    eagerModel(
      () => params,
      () => disposeTree(params),
    ),
  training: (step, state) => {
    const stepper = eagerStepper(step, state);
    return {
      stepper,
      model: (pick) =>
        eagerModel(
          () => pick(stepper.state()),
          () => undefined,
        ),
    };
  },
};
