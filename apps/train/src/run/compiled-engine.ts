/** The engine that compiles: parameters and state live on the device, each function is one TensorFlow function. */

import type { Tensors } from '@ahpa/checkpoint';
import { compile, type DeviceState, deviceState, type Precision } from '@ahpa/libtensorflow';
import { disposeTree, inLanes } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import { compiledStepper } from './compiled-stepper.ts';
import type { Engine, Model } from './engine.ts';
import { tensorsOf } from './tree-file.ts';

function compiledModel<P extends Tree>(device: DeviceState<P>, lanes: number, release: () => void): Model<P> {
  const compiled: { dispose(): void }[] = [];
  const bind = <I extends readonly Tree[], R extends Record<string, Tree>>(
    fn: (params: P, ...inputs: I) => R,
  ) => {
    const call = compile(fn);
    compiled.push(call);
    return (...inputs: I) => call(device, ...inputs) as unknown as R;
  };
  return {
    bind,
    map: (fn) =>
      bind((params, ...inputs) =>
        inLanes(lanes, inputs[0], (part) =>
          fn(params, ...(inputs.with(0, part) as unknown as typeof inputs)),
        ),
      ),
    dispose: () => {
      for (const call of compiled) call.dispose();
      release();
    },
  };
}

/** Compiles steps in the given precision; frozen models compute in float32, their batches in `lanes` parts side by side. */
export function compiledEngine(precision: Precision, lanes: number): Engine {
  return {
    model: (params) => {
      const device = deviceState(params);
      disposeTree(params);
      return compiledModel(device, lanes, device.dispose);
    },
    training: (step, state) => {
      const stepper = compiledStepper(step, state, { precision });
      const { device } = stepper;
      return {
        stepper,
        snapshot: async (memory) => {
          if (memory === undefined) return tensorsOf(stepper.state());
          device.copyTo(device.list.map(({ path }) => (memory[path] as Tensors[string]).data));
          return memory;
        },
        model: (pick) => compiledModel(device.view(pick), lanes, () => undefined),
      };
    },
  };
}
