/** Long work of a run, announced to its interrupt. */
import type { Stepper, Tree } from '@ahpa/ports';
import type { Task } from '@ahpa/trainer';
import type { TaskContext } from '../tasks/context.ts';
import type { Interrupt } from './interrupt.ts';

/** A stepper whose steps are announced. */
export function announceSteps<S extends Tree, B>(
  stepper: Stepper<S, B>,
  { stretch }: Pick<Interrupt, 'stretch'>,
): Stepper<S, B> {
  return { ...stepper, step: (batch) => stretch('A training step', () => stepper.step(batch)) };
}

/** Announcements of the work after a step, before which `saving` runs where a signal would end the process meanwhile. */
export function announceAfter(
  saving: Task,
  { stretch }: Pick<Interrupt, 'stretch'>,
): TaskContext['stretchAt'] {
  return (step) => (kind, work) => stretch(kind, work, () => saving.run(step));
}
