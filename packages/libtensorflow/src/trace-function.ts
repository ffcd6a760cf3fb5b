/** Traces of functions: one run on tensors without values, recorded as a graph. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorFlowBackend } from './backend.ts';
import { DType } from './c-api.ts';
import { type DeviceState, type StateLeaf, type Variable, variableType } from './device-state.ts';
import { attribute, type Graph, type GraphTensor, readVariable } from './graph.ts';
import { type TracedVariable, withInPlaceKernels } from './in-place.ts';
import type { Precision } from './precision.ts';
import { createTrace, type Trace } from './trace.ts';
import { leaves, mapLeaves, type Tree } from './tree.ts';

/** A function of state and inputs that returns outputs and, where it changes it, the new state. */
export type StepFunction<S extends Tree, I extends readonly Tree[], R> = (state: S, ...inputs: I) => R;

/** Options of a trace; fields of `CompileOptions`. */
export interface TraceOptions {
  readonly precision?: Precision;
  readonly smallestIsland?: number;
}

/** Below this many elements the call of an island costs more than it saves. */
const SMALLEST_ISLAND = 32 * 1024;

/** The graph of a traced function; the caller disposes `graph`. */
export interface TracedFunction {
  readonly graph: Graph;
  readonly inputs: readonly GraphTensor[];
  readonly handles: readonly GraphTensor[];
  /** One tensor for each output leaf, at least one in all; running them updates the state. */
  readonly outputs: readonly GraphTensor[];
  /** The tree of outputs, each leaf with its dtype and shape. */
  readonly structure: unknown;
  readonly origin: Trace['origin'];
}

function updateLeaf(
  trace: Trace,
  { path, leaf }: StateLeaf,
  returned: { readonly path: string; readonly leaf: tf.Tensor } | undefined,
  { handle, start, updated }: TracedVariable,
  graphTensor: (tensor: tf.Tensor) => GraphTensor,
): GraphTensor[] {
  const tensor = returned?.leaf;
  if (
    !tensor ||
    returned.path !== path ||
    String(tensor.shape) !== String(leaf.shape) ||
    tensor.dtype !== leaf.dtype
  ) {
    const got = tensor ? `"${returned.path}" ${tensor.dtype} [${tensor.shape}]` : 'nothing';
    throw new Error(
      `a compiled function returned ${got} for the state leaf "${path}" ${leaf.dtype} [${leaf.shape}]; a state keeps its form`,
    );
  }
  const value = trace.caster.to(graphTensor(tensor), start.dtype);
  const is = (other: GraphTensor): boolean => value.oper === other.oper && value.index === other.index;
  if (updated && !is(updated)) {
    throw new Error(`the state leaf "${path}" was updated in place but another tensor was returned for it`);
  }
  if (updated) return [updated];
  if (is(start)) return [];
  return trace.graph.emit(
    'AssignVariableOp',
    [handle, value],
    [attribute.type('dtype', start.dtype)],
    [start],
  );
}

/**
 * Traces `fn`. `makeHandle` gives the resource handle of a variable inside the graph: a placeholder for a function.
 * @throws the error of `fn`, and Error where it reads values on the host or changes the structure of its state
 */
export function traceFunction<S extends Tree, I extends readonly Tree[], R>(
  backend: TensorFlowBackend,
  fn: StepFunction<S, I, R>,
  state: DeviceState<S>,
  inputs: I,
  { precision = 'float32', smallestIsland = SMALLEST_ISLAND }: TraceOptions,
  makeHandle: (graph: Graph, variable: Variable) => GraphTensor,
): TracedFunction {
  const trace = createTrace(backend.eager, precision);
  const { graph } = trace;
  const graphTensor = (tensor: tf.Tensor): GraphTensor =>
    trace.tensor(backend.getInputTensorIds([tensor])[0] as number);
  const wrap = (tensor: GraphTensor): tf.Tensor => backend.createOutputTensor(trace.register(tensor));
  const body = (placeholders: readonly GraphTensor[], traced: readonly TracedVariable[]): TracedFunction => {
    const before = state.list;
    const stateTree = mapLeaves(state.variables as S, (i) => wrap((traced[i] as TracedVariable).start));
    const inputTrees = mapLeaves(inputs, (i) => wrap(placeholders[i] as GraphTensor));
    const { state: after, ...outputs } = fn(stateTree, ...inputTrees) as { state?: unknown };
    const returned = after === undefined ? undefined : leaves(after);
    if (returned && returned.length > before.length) {
      throw new Error(
        `a compiled function was given ${before.length} state leaves and returned ${returned.length}; a state keeps its form`,
      );
    }
    const updates = before.flatMap((leaf, i) =>
      returned ? updateLeaf(trace, leaf, returned[i], traced[i] as TracedVariable, graphTensor) : [],
    );
    const list = leaves(outputs);
    const results = list.map(({ leaf }) =>
      trace.caster.to(graphTensor(leaf), backend.typeAttributeFromTensor(leaf)),
    );
    const last = results.length > 0 ? results : [graph.constant([], DType.float32, new Uint8Array(4))];
    return {
      graph,
      inputs: placeholders,
      handles: traced.map(({ handle }) => handle),
      outputs: last.map((result) => graph.emit('Identity', [result], [], updates)[0] as GraphTensor),
      structure: mapLeaves(outputs, (i) => ({ dtype: list[i]?.leaf.dtype, shape: list[i]?.leaf.shape })),
      origin: trace.origin,
    };
  };
  try {
    const placeholders = leaves(inputs).map(({ leaf }) =>
      graph.placeholder(backend.typeAttributeFromTensor(leaf), leaf.shape),
    );
    const traced = state.list.map(({ leaf }): TracedVariable => {
      const handle = makeHandle(graph, leaf);
      return { handle, start: readVariable(graph, handle, variableType(leaf), leaf.shape) };
    });
    let result: TracedFunction | undefined;
    backend.record(trace.binding, () =>
      withInPlaceKernels(backend, trace, traced, smallestIsland, () =>
        tf.tidy(() => {
          result = body(placeholders, traced);
        }),
      ),
    );
    return result as unknown as TracedFunction;
  } catch (error) {
    graph.dispose();
    throw error;
  }
}
