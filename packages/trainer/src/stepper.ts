/** A step function together with the state it advances. */

/** Advances a state batch by batch; eager here, compiled elsewhere, same interface. */
import { disposeTree } from '@ahpa/ops';
import type { Metrics, StepResult, Tree } from '@ahpa/ports';
export interface Stepper<S extends Tree, B> {
  /** Takes one step; the metrics are the caller's to dispose, the batch stays the caller's. */
  step(batch: B): Metrics | Promise<Metrics>;
  /** The present state, borrowed: valid until the next step. */
  state(): S;
  dispose(): void;
}

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
