/** Builds a TF_Graph through the C API: one call an operation, shapes and dtypes from TensorFlow's own inference. */
import type { OpAttribute } from '../kernels/bundle.js';
import { setAttributes } from './attributes.ts';
import { Attr, type CApi, DType, type GraphOutput } from './c-api.ts';
import { newTensor } from './eager.ts';
import { readBytes } from './memory.ts';
import type { Native } from './native.ts';
import { type OpArgument, readOpArguments } from './proto.ts';

/** A tensor of the graph under construction. */
export interface GraphTensor extends GraphOutput {
  readonly op: string;
  readonly dtype: number;
  readonly shape: readonly number[];
}

/** A graph under construction; `dispose` frees it. */
export interface Graph {
  emit(
    op: string,
    inputs: readonly GraphTensor[],
    attributes?: readonly OpAttribute[],
    after?: readonly GraphTensor[],
  ): GraphTensor[];
  constant(shape: readonly number[], dtype: number, bytes: Uint8Array): GraphTensor;
  placeholder(dtype: number, shape: readonly number[]): GraphTensor;
  /** Turns the graph into a function of the eager context; the TF_Function is the caller's to delete. */
  toFunction(
    name: string,
    inputs: readonly GraphTensor[],
    outputs: readonly GraphTensor[],
    attributes: Readonly<Record<string, Uint8Array>>,
  ): number;
  /** Calls another graph's function, whose results have the given shapes. */
  call(fn: GraphFunction, inputs: readonly GraphTensor[]): GraphTensor[];
  /** Operations added so far. */
  readonly size: () => number;
  /** The same text for two graphs of the same operations in the same order. */
  readonly text: () => string;
  /** The TF_Graph. */
  readonly pointer: number;
  dispose(): void;
}

/** A function made by `toFunction`, ready to be called in other graphs. */
export interface GraphFunction {
  readonly name: string;
  /** The TF_Function. */
  readonly pointer: number;
  readonly shapes: readonly (readonly number[])[];
}

/** Shorthands for op attributes. */
export const attribute = {
  type: (name: string, value: number): OpAttribute => ({ name, type: Attr.type, value }),
  bool: (name: string, value: boolean): OpAttribute => ({ name, type: Attr.bool, value }),
  int: (name: string, value: number | readonly number[]): OpAttribute => ({ name, type: Attr.int, value }),
  float: (name: string, value: number): OpAttribute => ({ name, type: Attr.float, value }),
  string: (name: string, value: string | Uint8Array): OpAttribute => ({ name, type: Attr.string, value }),
  shape: (name: string, value: readonly number[]): OpAttribute => ({ name, type: Attr.shape, value }),
  tensor: (name: string, value: number): OpAttribute => ({ name, type: Attr.tensor, value }),
} as const;

const opArguments = new Map<string, readonly OpArgument[]>();

function listArguments(api: CApi, graph: number, op: string): readonly OpArgument[] {
  let found = opArguments.get(op);
  if (!found) {
    const buffer = api.TF_NewBuffer() as number;
    api.TF_GraphGetOpDef(graph, op, buffer, api.status);
    api.check(op);
    const { data, length } = api.TF_GetBuffer(buffer) as { data: number; length: number };
    found = readOpArguments(readBytes(data, Number(length)));
    api.TF_DeleteBuffer(buffer);
    opArguments.set(op, found);
  }
  return found;
}

function addInputs(
  api: CApi,
  description: number,
  args: readonly OpArgument[],
  inputs: readonly GraphTensor[],
): void {
  let next = 0;
  args.forEach(({ numberAttribute }) => {
    if (numberAttribute) {
      const count = inputs.length - (args.length - 1);
      api.TF_AddInputList(description, inputs.slice(next, next + count), count);
      next += count;
    } else {
      api.TF_AddInput(description, inputs[next++]);
    }
  });
}

function describe(api: CApi, graph: number, output: GraphOutput, op: string): GraphTensor {
  const dtype = api.TF_OperationOutputType(output) as number;
  const rank = api.TF_GraphGetTensorNumDims(graph, output, api.status) as number;
  api.check(op);
  const dims = new BigInt64Array(Math.max(rank, 1));
  if (rank > 0) api.TF_GraphGetTensorShape(graph, output, dims, rank, api.status);
  const shape = Array.from({ length: Math.max(rank, 0) }, (_, i) => Number(dims[i]));
  const known = rank >= 0 && shape.every((size) => size >= 0);
  if (!known && dtype !== DType.resource && op !== 'ReadVariableOp') {
    throw new Error(
      `${op}: the shape of its result depends on values, which a compiled function cannot have`,
    );
  }
  return { ...output, op, dtype, shape };
}

/** The value of the variable behind `handle`, of known dtype and shape, read after `after`. */
export function readVariable(
  graph: Graph,
  handle: GraphTensor,
  dtype: number,
  shape: readonly number[],
  after: readonly GraphTensor[] = [],
): GraphTensor {
  const [value] = graph.emit('ReadVariableOp', [handle], [attribute.type('dtype', dtype)], after);
  return graph.emit(
    'EnsureShape',
    [value as GraphTensor],
    [attribute.shape('shape', shape)],
  )[0] as GraphTensor;
}

/** Starts an empty graph. */
export function createGraph(native: Native): Graph {
  const { api, context } = native;
  const graph = api.TF_NewGraph() as number;
  const constants = new Map<string, GraphTensor>();
  const places = new Map<number, number>();
  const lines: string[] = [];
  let count = 0;

  /** Writes an operation down for `text`; pointers are replaced by places in the graph. */
  const note = (oper: number, op: string, inputs: readonly GraphTensor[], rest: unknown): void => {
    places.set(oper, places.size);
    const from = inputs.map((input) => `${places.get(input.oper)}:${input.index}:${input.dtype}`);
    lines.push(`${op}(${from}) ${JSON.stringify(rest)}`);
  };

  const add = (
    op: string,
    inputs: readonly GraphTensor[],
    attributes: readonly OpAttribute[],
    after: readonly GraphTensor[],
  ): number => {
    const args = listArguments(api, graph, op);
    const inferred = new Set(args.flatMap((argument) => [argument.typeAttribute, argument.numberAttribute]));
    const description = api.TF_NewOperation(graph, op, `${op}_${count++}`) as number;
    addInputs(api, description, args, inputs);
    for (const { oper } of after) api.TF_AddControlInput(description, oper);
    setAttributes(
      api,
      'TF_',
      description,
      attributes.filter(({ name }) => !inferred.has(name)),
    );
    const oper = api.TF_FinishOperation(description, api.status) as number;
    api.check(op);
    return oper;
  };

  const emit: Graph['emit'] = (op, inputs, attributes = [], after = []) => {
    const oper = add(op, inputs, attributes, after);
    note(oper, op, inputs, op === 'Const' ? 'noted by its value' : attributes);
    const outputs = api.TF_OperationNumOutputs(oper) as number;
    if (outputs === 0) return [{ oper, index: 0, op, dtype: 0, shape: [] }];
    return Array.from({ length: outputs }, (_, index) => describe(api, graph, { oper, index }, op));
  };

  const constant: Graph['constant'] = (shape, dtype, bytes) => {
    const key = bytes.byteLength <= 64 ? `${dtype}:${shape}:${bytes}` : undefined;
    const known = key === undefined ? undefined : constants.get(key);
    if (known) return known;
    const value = newTensor(api, shape, dtype, bytes);
    const [made] = emit('Const', [], [attribute.type('dtype', dtype), attribute.tensor('value', value)]);
    api.TF_DeleteTensor(value);
    lines.push(Buffer.from(bytes).toString('base64'));
    if (key !== undefined) constants.set(key, made as GraphTensor);
    return made as GraphTensor;
  };

  const placeholder: Graph['placeholder'] = (dtype, shape) =>
    emit(
      'Placeholder',
      [],
      [attribute.type('dtype', dtype), attribute.shape('shape', shape)],
    )[0] as GraphTensor;

  return {
    emit,
    constant,
    placeholder,
    toFunction(name, inputs, outputs, attributes) {
      const made = api.TF_GraphToFunction(
        graph,
        name,
        0,
        -1,
        null,
        inputs.length,
        inputs,
        outputs.length,
        outputs,
        null,
        0,
        '',
        api.status,
      ) as number;
      api.check('turning the traced graph into a function');
      for (const [key, proto] of Object.entries(attributes)) {
        api.TF_FunctionSetAttrValueProto(made, key, proto, proto.length, api.status);
        api.check(`setting ${key}`);
      }
      api.TFE_ContextAddFunction(context, made, api.status);
      api.check('adding the compiled function');
      return made;
    },
    call({ name, pointer, shapes }, inputs) {
      api.TF_GraphCopyFunction(graph, pointer, 0, api.status);
      api.check(name);
      const oper = add(name, inputs, [attribute.bool('_XlaMustCompile', true)], []);
      note(oper, name, inputs, []);
      return shapes.map((shape, index) => {
        const dims = BigInt64Array.from(shape.map(BigInt));
        api.TF_GraphSetTensorShape(graph, { oper, index }, dims, shape.length, api.status);
        api.check(name);
        return describe(api, graph, { oper, index }, name);
      });
    },
    size: () => count,
    text: () => lines.join('\n'),
    pointer: graph,
    dispose: () => api.TF_DeleteGraph(graph),
  };
}
