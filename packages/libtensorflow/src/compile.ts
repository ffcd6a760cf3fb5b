/**
 * compile(fn): traces fn(state, ...inputs) -> { state, ...outputs } into one TensorFlow function and calls it as one op.
 */
import * as tf from '@tensorflow/tfjs-core';
import { activeBackend, type TensorFlowBackend } from './backend.ts';
import { DType } from './c-api.ts';
import type { DeviceState, StateLeaf } from './device-state.ts';
import { attribute } from './graph.ts';
import type { Precision } from './precision.ts';
import { boolAttribute, grapplerConfig } from './proto.ts';
import { type StepFunction, traceFunction } from './trace-function.ts';
import { formatSignature, leaves, mapLeaves, type Tree } from './tree.ts';

/** Cost and result of a trace. */
export interface TraceReport {
  readonly name: string;
  /** Shapes and dtypes it was traced for. */
  readonly signature: string;
  /** 1 for the first trace of a function, more for each re-trace. */
  readonly count: number;
  readonly nodes: number;
  readonly milliseconds: number;
}

/** Options of `compile`. */
export interface CompileOptions {
  /** 'float32' (default), or 'bfloat16' for matrix products and operations between them. */
  readonly precision?: Precision;
  /** Compile with XLA. */
  readonly xla?: boolean;
  /** Smallest number of elements at which a part given to the kernel `Fuse` is compiled by XLA; default 32,768. */
  readonly smallestIsland?: number;
  /** Appears in TensorFlow's own messages. */
  readonly name?: string;
  /** Called after each trace. */
  readonly onTrace?: (report: TraceReport) => void;
}

/** Outputs of a compiled function: what `fn` returned beside `state`. */
export type Outputs<R> = Omit<R, 'state'>;

/** A compiled function: updates `state` in place and returns the outputs, owned by the caller. */
export interface Compiled<S extends Tree, I extends readonly Tree[], R> {
  (state: DeviceState<S>, ...inputs: I): Outputs<R>;
  /** Removes the compiled function from the process. */
  dispose(): void;
}

/** One trace, callable as an op. */
interface CompiledTrace {
  readonly name: string;
  readonly structure: unknown;
  readonly outputs: number;
  readonly origin: (operation: string) => string | undefined;
}

const GRAPPLER = grapplerConfig();
let functions = 0;

function addFunction<S extends Tree, I extends readonly Tree[], R>(
  backend: TensorFlowBackend,
  fn: StepFunction<S, I, R>,
  state: DeviceState<S>,
  inputs: I,
  options: CompileOptions,
): CompiledTrace & { readonly nodes: number } {
  const traced = traceFunction(backend, fn, state, inputs, options, (graph) =>
    graph.placeholder(DType.resource, []),
  );
  const { graph, outputs, structure, origin } = traced;
  const name = `${options.name ?? 'compiled'}_${functions++}`;
  try {
    const made = graph.toFunction(
      name,
      [...traced.inputs, ...traced.handles],
      outputs,
      options.xla ? { _XlaMustCompile: boolAttribute(true) } : {},
    );
    backend.eager.native.api.TF_DeleteFunction(made);
    return { name, structure, outputs: outputs.length, origin, nodes: graph.size() };
  } finally {
    graph.dispose();
  }
}

function execute(
  backend: TensorFlowBackend,
  compiled: CompiledTrace,
  inputs: readonly tf.Tensor[],
  state: readonly StateLeaf[],
): tf.Tensor[] {
  const config = [attribute.string('executor_type', ''), attribute.string('config_proto', GRAPPLER)];
  const ids = [...backend.getInputTensorIds(inputs), ...state.map(({ leaf }) => leaf.handle)];
  try {
    const made = backend.eager.executeOp(compiled.name, config, ids, compiled.outputs);
    return made.map((metadata) => backend.createOutputTensor(metadata));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const operation = /\{\{node (?:[^}]*\/)?(\w+_\d+)\}\}/.exec(message)?.[1];
    const origin = operation && compiled.origin(operation);
    throw new Error(`${message}${origin ? ` (${origin})` : ''}`, { cause: error });
  }
}

/**
 * Compiles `fn(state, ...inputs) -> { state, ...outputs }` over trees of tensors into one TensorFlow function.
 *
 * `fn` runs once for each set of shapes and dtypes, on tensors without values: JavaScript side effects happen then and
 * never again, reading a value is an error, and a tensor from outside becomes a constant (an error above 64 KiB).
 * The state lives in `deviceState` variables and is updated in place; omit `state` from the result to leave it alone.
 */
export function compile<S extends Tree, I extends readonly Tree[], R extends object>(
  fn: StepFunction<S, I, R>,
  options: CompileOptions = {},
): Compiled<S, I, R> {
  const traces = new Map<string, CompiledTrace>();
  const trace = (
    backend: TensorFlowBackend,
    signature: string,
    state: DeviceState<S>,
    inputs: I,
  ): CompiledTrace => {
    const begin = performance.now();
    const { nodes, ...compiled } = addFunction(backend, fn, state, inputs, options);
    traces.set(signature, compiled);
    options.onTrace?.({
      name: compiled.name,
      signature,
      count: traces.size,
      nodes,
      milliseconds: performance.now() - begin,
    });
    return compiled;
  };
  const call = (state: DeviceState<S>, ...inputs: I): Outputs<R> => {
    const backend = activeBackend();
    const given = leaves(inputs);
    const signature = `${state.signature} | ${formatSignature(given)}`;
    const compiled = traces.get(signature) ?? trace(backend, signature, state, inputs);
    const results = execute(
      backend,
      compiled,
      given.map(({ leaf }) => leaf),
      state.list,
    );
    if (leaves(compiled.structure).length === 0) tf.dispose(results);
    return mapLeaves(compiled.structure, (i) => results[i]) as Outputs<R>;
  };
  const dispose = (): void => {
    const { api, context } = activeBackend().eager.native;
    for (const { name } of traces.values()) api.TFE_ContextRemoveFunction(context, name, api.status);
    traces.clear();
  };
  return Object.assign(call, { dispose });
}
