/** Profile of a compiled function: the same graph run once in a session, timed op by op by TensorFlow. */
import * as tf from '@tensorflow/tfjs-core';
import { activeBackend } from './backend.ts';
import { type DeviceState, type Variable, variableType } from './device-state.ts';
import { attribute, type GraphTensor } from './graph.ts';
import { type Feed, type OpTime, openSession } from './session.ts';
import { type StepFunction, type TraceOptions, traceFunction } from './trace-function.ts';
import { leaves, type Tree } from './tree.ts';

/**
 * Runs `fn` on a copy of `state`, `warmup` times (default 2) and once timed. Returns the thread time of each kind of op,
 * longest first; on two threads the wall time is about half their sum.
 */
export function profile<S extends Tree, I extends readonly Tree[], R>(
  fn: StepFunction<S, I, R>,
  state: DeviceState<S>,
  inputs: I,
  { warmup = 2, ...options }: TraceOptions & { readonly warmup?: number } = {},
): OpTime[] {
  const backend = activeBackend();
  const { eager } = backend;
  const copies: { variable: Variable; handle: GraphTensor }[] = [];
  const traced = traceFunction(backend, fn, state, inputs, options, (graph, variable) => {
    const attributes = [
      attribute.type('dtype', variableType(variable)),
      attribute.shape('shape', variable.shape),
      attribute.string('shared_name', `profiled-${copies.length}`),
    ];
    const handle = graph.emit('VarHandleOp', [], attributes)[0] as GraphTensor;
    copies.push({ variable, handle });
    return handle;
  });
  const feed = (output: GraphTensor, tensor: tf.Tensor): Feed => ({
    output,
    handle: eager.handle(backend.getInputTensorIds([tensor])[0] as number),
  });
  const values = leaves(state.read());
  const starts = copies.map(({ variable, handle }, i) => {
    const value = traced.graph.placeholder(variableType(variable), variable.shape);
    const attributes = [attribute.type('dtype', variableType(variable))];
    const [operation] = traced.graph.emit('AssignVariableOp', [handle, value], attributes);
    return { feed: feed(value, (values[i] as (typeof values)[0]).leaf), operation: operation as GraphTensor };
  });
  const session = openSession(eager.native, traced.graph.pointer);
  try {
    session.run(
      starts.map((start) => start.feed),
      { operations: starts.map(({ operation }) => operation) },
    );
    const feeds = leaves(inputs).map(({ leaf }, i) => feed(traced.inputs[i] as GraphTensor, leaf));
    for (let i = 0; i < warmup; i++) session.run(feeds, { fetches: traced.outputs });
    return session.time(feeds, { fetches: traced.outputs });
  } finally {
    session.close();
    traced.graph.dispose();
    tf.dispose(values.map(({ leaf }) => leaf));
  }
}
