/** A step function with the state that it advances, op by op. */
import { disposeTree } from '@ahpa/ops';
import type { Stepper, StepResult, Tree } from '@ahpa/ports';

/** A stepper that runs `step` op by op. It owns `state`, and disposes each state after the next step. */
export function eagerStepper<S extends Tree, B>(
  step: (state: S, batch: B) => StepResult<S>,
  state: S,
): Stepper<S, B> {
  let current = state;
  return {
    step(batch) {
      const { state: next, metrics } = step(current, batch);
      disposeTree(current);
      current = next;
      return metrics;
    },
    state: () => current,
    dispose: () => disposeTree(current),
  };
}
