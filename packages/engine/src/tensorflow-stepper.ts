/** A step compiled into one TensorFlow function over state that stays on the device. */
import { type CompileOptions, compile, type DeviceState, deviceState } from '@ahpa/libtensorflow';
import { disposeTree } from '@ahpa/ops';
import type { Metrics, Stepper, StepResult, Tree } from '@ahpa/ports';

/** A stepper with its state on the device. */
export interface TensorflowStepper<S extends Tree, B extends Tree> extends Stepper<S, B> {
  readonly device: DeviceState<S>;
}

/** A stepper of `stepFn`, compiled at its first step. It owns `initial`; `state()` copies the state from the device on demand. */
export function tensorflowStepper<S extends Tree, B extends Tree>(
  stepFn: (state: S, batch: B) => StepResult<S>,
  initial: S,
  options: CompileOptions,
): TensorflowStepper<S, B> {
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
