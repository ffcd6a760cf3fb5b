/** Kernels that exist only while a function is traced: updates of state in place, fused parts, and ordering. */
import type { Kernels } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from './backend.ts';
import { DType, type GraphOutput } from './c-api.ts';
import type { GraphTensor } from './graph.ts';
import { attribute, readVariable } from './graph.ts';
import { getIsland } from './island.ts';
import type { EagerKernel } from './kernels.ts';
import type { Trace } from './trace.ts';

/** A state variable inside a trace: its handle, its value at the start and, once updated in place, its new value. */
export interface TracedVariable {
  readonly handle: GraphTensor;
  readonly start: GraphTensor;
  updated?: GraphTensor;
}

type Attributes = Readonly<Record<string, unknown>>;
/** The optional kernels of `@ahpa/ops` that have no meaning outside a trace. */
type InPlaceKernels = {
  readonly [K in Exclude<keyof Kernels, EagerKernel>]: (
    inputs: Kernels[K]['inputs'],
    attrs: Attributes,
  ) => Kernels[K]['result'];
};

const sameOutput = (a: GraphOutput, b: GraphOutput): boolean => a.oper === b.oper && a.index === b.index;

/** The kernels by name, over the trace and its variables. */
function inPlaceKernels(
  backend: TensorFlowBackend,
  trace: Trace,
  variables: readonly TracedVariable[],
  smallestIsland: number,
): InPlaceKernels {
  const { graph, caster } = trace;
  const input = (tensor: tf.Tensor): GraphTensor =>
    trace.tensor(backend.getInputTensorIds([tensor])[0] as number);
  const float = (tensor: tf.Tensor): GraphTensor => caster.to(input(tensor), DType.float32);
  const output = (tensor: GraphTensor): tf.Tensor => backend.createOutputTensor(trace.register(tensor));
  const find = (kernel: string, name: string, tensor: tf.Tensor): TracedVariable => {
    const found = variables.find(({ start }) => sameOutput(start, input(tensor)));
    if (!found || found.updated) {
      throw new Error(
        `${kernel}: "${name}" must be a leaf of the compiled function's state that nothing has updated yet`,
      );
    }
    return found;
  };
  const readAfter = (variable: TracedVariable, update: GraphTensor): tf.Tensor => {
    variable.updated = readVariable(graph, variable.handle, variable.start.dtype, variable.start.shape, [
      update,
    ]);
    return output(variable.updated);
  };
  return {
    AdamW({ param, m, v, grad, beta1, beta2, alpha, epsilon }) {
      const targets = [find('AdamW', 'param', param), find('AdamW', 'm', m), find('AdamW', 'v', v)] as const;
      const none = graph.constant([], DType.float32, new Uint8Array(4));
      const scalars = [alpha, beta1, beta2, epsilon].map(float);
      const [update] = graph.emit(
        'ResourceApplyAdam',
        [...targets.map(({ handle }) => handle), none, none, ...scalars, float(grad)],
        [attribute.bool('use_locking', false), attribute.bool('use_nesterov', false)],
        targets.map(({ start }) => start),
      );
      const after = (target: TracedVariable): tf.Tensor => readAfter(target, update as GraphTensor);
      return [after(targets[0]), after(targets[1]), after(targets[2])];
    },
    Ema({ average, value, rate }) {
      const target = find('Ema', 'average', average);
      const [gap] = graph.emit('Sub', [target.start, float(value)]);
      const [update] = graph.emit('ResourceApplyGradientDescent', [
        target.handle,
        float(rate),
        gap as GraphTensor,
      ]);
      return readAfter(target, update as GraphTensor);
    },
    Fuse(inputs, { fn }) {
      const tensors = Object.values(inputs);
      const run = fn as (...tensors: readonly tf.Tensor[]) => tf.Tensor[];
      if (tensors.every(({ size }) => size < smallestIsland)) return run(...tensors);
      const given = tensors.map((tensor) => input(tensor));
      const island = getIsland(backend, trace.precision, run, given);
      return graph.call(island, given).map(output);
    },
    Barrier({ x, after }) {
      return output(graph.emit('Identity', [input(x)], [], [input(after)])[0] as GraphTensor);
    },
  };
}

/**
 * Runs `fn` with the in-place kernels registered:
 * `AdamW { param, m, v, grad, beta1, beta2, alpha, epsilon } -> [param, m, v]` (m += (g - m)(1 - beta1),
 * v += (g² - v)(1 - beta2), param -= alpha m / (sqrt(v) + epsilon)),
 * `Ema { average, value, rate } -> average` (average += rate (value - average)),
 * `Fuse { 0, 1, ... } { fn } -> fn(0, 1, ...)`, compiled by XLA into few passes where an input is large, and
 * `Barrier { x, after } -> x`, computed after `after` and never merged with an equal computation.
 */
export function withInPlaceKernels<T>(
  backend: TensorFlowBackend,
  trace: Trace,
  variables: readonly TracedVariable[],
  smallestIsland: number,
  fn: () => T,
): T {
  const kernels = inPlaceKernels(backend, trace, variables, smallestIsland);
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs = {} }) => kernel(inputs as never, attrs),
    });
  }
  try {
    return fn();
  } finally {
    for (const kernelName of Object.keys(kernels)) tf.unregisterKernel(kernelName, 'tensorflow');
  }
}
