/** The engine that runs op by op on whatever backend is active. */
import { disposeTree, tidyTree } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { eagerStepper } from '@ahpa/trainer';
import type { Engine, Model } from './engine.ts';
import { tensorsOf } from './tree-file.ts';

function eagerModel<P extends Tree>(params: () => P, dispose: () => void): Model<P> {
  const bind: Model<P>['bind'] =
    (fn) =>
    (...inputs) =>
      tidyTree(() => fn(params(), ...inputs));
  return { bind, map: bind, dispose };
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
      snapshot: () => tensorsOf(stepper.state(), { copy: true }),
      model: (pick) =>
        eagerModel(
          () => pick(stepper.state()),
          () => undefined,
        ),
    };
  },
};
