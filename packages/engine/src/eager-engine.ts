/** The engine that runs op by op on the active backend. */
import { disposeTree, tidyTree } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { eagerStepper } from './eager-stepper.ts';
import type { Engine, Model } from './engine.ts';
import { readTensors } from './named-tensors.ts';

function eagerModel<P extends Tree>(params: () => P, dispose: () => void): Model<P> {
  const bind: Model<P>['bind'] =
    (fn) =>
    (...inputs) =>
      tidyTree(() => fn(params(), ...inputs));
  return { bind, map: bind, dispose };
}

/** The engine that runs everything op by op on the active backend. */
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
      snapshot: () => readTensors(stepper.state(), { copy: true }),
      model: (pick) =>
        eagerModel(
          () => pick(stepper.state()),
          () => undefined,
        ),
    };
  },
};
