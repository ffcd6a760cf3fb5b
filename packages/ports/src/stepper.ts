/** Steps over a state. */
import type { Metrics, Tree } from './tree.ts';

/** Result of a step. */
export type StepResult<S extends Tree> = { readonly state: S; readonly metrics: Metrics };

/** Advances a state batch by batch, eagerly or compiled. */
export interface Stepper<S extends Tree, B> {
  /** Takes one step; the caller disposes the metrics and keeps the batch. */
  step(batch: B): Metrics | Promise<Metrics>;
  /** The present state, borrowed: valid until the next step. */
  state(): S;
  dispose(): void;
}
