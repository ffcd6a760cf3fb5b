/** A step function together with the state it advances. */
import { disposeTree } from '@ahpa/ops';
import type { Stepper, StepResult, Tree } from '@ahpa/ports';

/** Runs `stepFn` op by op. Takes over `state`, and disposes every state it has moved on from. */
export function eagerStepper<S extends Tree, B>(
  stepFn: (state: S, batch: B) => StepResult<S>,
  state: S,
): Stepper<S, B> {
  let current = state;
  return {
    step(batch) {
      const { state: next, metrics } = stepFn(current, batch);
      disposeTree(current);
      current = next;
      return metrics;
    },
    state: () => current,
    dispose: () => disposeTree(current),
  };
}
