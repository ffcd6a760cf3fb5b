/** The engine that compiles: parameters and state live on the device, each function is one TensorFlow function. */
import { compile, type DeviceState, deviceState, type Precision } from '@ahpa/libtensorflow';
import { disposeTree, type Tree } from '@ahpa/trainer';
import { compiledStepper } from './compiled-stepper.ts';
import type { Engine, Model } from './engine.ts';

function compiledModel<P extends Tree>(device: DeviceState<P>, release: () => void): Model<P> {
  const compiled: { dispose(): void }[] = [];
  return {
    bind<I extends readonly Tree[], R extends Record<string, Tree>>(fn: (params: P, ...inputs: I) => R) {
      const call = compile(fn);
      compiled.push(call);
      return (...inputs: I) => call(device, ...inputs) as unknown as R;
    },
    dispose: () => {
      for (const call of compiled) call.dispose();
      release();
    },
  };
}

/** Compiles steps in the given precision; frozen models compute in float32. */
export function compiledEngine(precision: Precision): Engine {
  return {
    model: (params) => {
      const device = deviceState(params);
      disposeTree(params);
      return compiledModel(device, device.dispose);
    },
    training: (step, state) => {
      const stepper = compiledStepper(step, state, { precision });
      return { stepper, model: (pick) => compiledModel(stepper.device.view(pick), () => undefined) };
    },
  };
}
