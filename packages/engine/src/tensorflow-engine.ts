/** The engine that compiles with TensorFlow: parameters and state live on the device, each function is one TensorFlow function. */
import { compile, type DeviceState, deviceState, type Precision } from '@ahpa/libtensorflow';
import { disposeTree, inLanes } from '@ahpa/ops';
import type { Tree } from '@ahpa/ports';
import type { Engine, Model } from './engine.ts';
import { type NamedTensors, readTensors } from './named-tensors.ts';
import { tensorflowStepper } from './tensorflow-stepper.ts';

function tensorflowModel<P extends Tree>(
  device: DeviceState<P>,
  lanes: number,
  release: () => void,
): Model<P> {
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

/** The engine that compiles steps in the given precision, and models in float32 with mapped batches in `lanes` parts side by side. */
export function tensorflowEngine(precision: Precision, lanes: number): Engine {
  return {
    model: (params) => {
      const device = deviceState(params);
      disposeTree(params);
      return tensorflowModel(device, lanes, device.dispose);
    },
    training: (step, state) => {
      const stepper = tensorflowStepper(step, state, { precision });
      const { device } = stepper;
      return {
        stepper,
        snapshot: async (memory) => {
          if (memory === undefined) return readTensors(stepper.state());
          device.copyTo(device.list.map(({ path }) => (memory[path] as NamedTensors[string]).data));
          return memory;
        },
        model: (pick) => tensorflowModel(device.view(pick), lanes, () => undefined),
      };
    },
  };
}
