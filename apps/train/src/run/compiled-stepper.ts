/** A stepper whose step is one compiled TensorFlow function over state that stays on the device. */

import { type CompileOptions, compile, type DeviceState, deviceState } from '@ahpa/libtensorflow';
import { disposeTree } from '@ahpa/ops';
import type { Metrics, Stepper, StepResult, Tree } from '@ahpa/ports';

/** A stepper that also shows its state on the device. */
export interface CompiledStepper<S extends Tree, B extends Tree> extends Stepper<S, B> {
  readonly device: DeviceState<S>;
}

/** Compiles `stepFn` and takes over `initial`. `state()` copies the state from the device when it is asked for. */
export function compiledStepper<S extends Tree, B extends Tree>(
  stepFn: (state: S, batch: B) => StepResult<S>,
  initial: S,
  options: CompileOptions,
): CompiledStepper<S, B> {
  const device = deviceState(initial);
  disposeTree(initial);
  const step = compile(stepFn, { name: 'step', ...options });
  let copy: S | undefined;
  const forget = (): void => {
    if (copy) disposeTree(copy);
    copy = undefined;
  };
  return {
    device,
    step: (batch): Metrics => {
      forget();
      return step(device, batch).metrics;
    },
    state: () => {
      copy ??= device.read();
      return copy;
    },
    dispose: () => {
      forget();
      step.dispose();
      device.dispose();
    },
  };
}
