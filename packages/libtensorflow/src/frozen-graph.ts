/** A frozen TensorFlow graph (GraphDef of TensorFlow 1) as a function from tensors to tensors. */

import { userError } from '@ahpa/messages';
import type * as tf from '@tensorflow/tfjs-core';
import { activeBackend } from './backend.ts';
import { type CApi, DType, type GraphOutput } from './c-api.ts';

/** Fed and fetched tensors of a graph, as `operation:output`; `operation<n` is the n-th input of an operation. */
export interface FrozenGraphOptions {
  /** Tensors to feed, all float32. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names the file in errors. */
  readonly source?: string;
}

/** A graph that can be run. */
export interface FrozenGraph {
  /** Values of the outputs, owned by the caller; `only` names fewer of them. */
  run(inputs: readonly tf.Tensor[], only?: readonly string[]): tf.Tensor[];
  dispose(): void;
}

const split = (name: string): readonly [operation: string, index: number] => {
  const [operation, index = '0'] = name.split(/[:<]/) as [string, string?];
  return [operation, Number(index)];
};

function findOperation(api: CApi, graph: number, name: string, source: string): number {
  const found = api.TF_GraphOperationByName(graph, name) as number;
  if (found) return found;
  throw userError(`${source}: the graph has no operation ${name}; it is another graph than the one wanted.`);
}

/** A float32 tensor of any shape, to be fed. */
function placeholder(api: CApi, graph: number, name: string): GraphOutput {
  const description = api.TF_NewOperation(graph, 'Placeholder', name);
  api.TF_SetAttrType(description, 'dtype', DType.float32);
  const oper = api.TF_FinishOperation(description, api.status) as number;
  api.check('adding an input');
  return { oper, index: 0 };
}

/** Adds the operations of a serialised GraphDef to a graph, with placeholders in the place of tensors. */
function importInto(
  api: CApi,
  graph: number,
  bytes: Uint8Array,
  placeholders: ReadonlyMap<string, GraphOutput>,
  source: string,
): void {
  const options = api.TF_NewImportGraphDefOptions() as number;
  const buffer = api.TF_NewBufferFromString(bytes, bytes.length) as number;
  try {
    for (const [name, placeholder] of placeholders)
      api.TF_ImportGraphDefOptionsAddInputMapping(options, ...split(name), placeholder);
    api.TF_GraphImportGraphDef(graph, buffer, options, api.status);
    try {
      api.check('reading it');
    } catch (cause) {
      throw userError(
        `${source} is no frozen TensorFlow graph that can be read: ${(cause as Error).message}.`,
        {
          cause,
        },
      );
    }
  } finally {
    api.TF_DeleteBuffer(buffer);
    api.TF_DeleteImportGraphDefOptions(options);
  }
}

function findOutput(api: CApi, graph: number, name: string, source: string): GraphOutput {
  const [operation, index] = split(name);
  const oper = findOperation(api, graph, operation, source);
  return name.includes('<') ? (api.TF_OperationInput({ oper, index }) as GraphOutput) : { oper, index };
}

/**
 * Reads a serialised GraphDef for the active `tensorflow` backend.
 * @throws Error where the bytes are no graph, or a named operation is missing
 */
export function openFrozenGraph(bytes: Uint8Array, options: FrozenGraphOptions): FrozenGraph {
  const { inputs, outputs, source = 'the graph' } = options;
  const backend = activeBackend();
  const { eager } = backend;
  const { api } = eager.native;
  const graph = api.TF_NewGraph() as number;
  const fed = new Map<string, GraphOutput>();
  let fetched: ReadonlyMap<string, GraphOutput>;
  let session = 0;
  try {
    for (const name of inputs) fed.set(name, placeholder(api, graph, `ahpa-input-${fed.size}`));
    importInto(api, graph, bytes, fed, source);
    for (const name of inputs) findOperation(api, graph, split(name)[0], source);
    fetched = new Map(outputs.map((name) => [name, findOutput(api, graph, name, source)]));
    const settings = api.TF_NewSessionOptions() as number;
    session = api.TF_NewSession(graph, settings, api.status) as number;
    api.TF_DeleteSessionOptions(settings);
    api.check('opening a session');
  } catch (error) {
    api.TF_DeleteGraph(graph);
    throw error;
  }
  const run = (given: readonly tf.Tensor[], only = outputs): tf.Tensor[] => {
    const values = BigUint64Array.from(backend.getInputTensorIds(given), (id) =>
      BigInt(api.TFE_TensorHandleResolve(eager.handle(id), api.status) as number),
    );
    const results = new BigUint64Array(only.length);
    const wanted = only.map((name) => fetched.get(name) as GraphOutput);
    const feeds = [...fed.values()].slice(0, given.length);
    api.TF_SessionRun(
      session,
      0,
      feeds,
      values,
      feeds.length,
      wanted,
      results,
      wanted.length,
      null,
      0,
      0,
      api.status,
    );
    for (const value of values) api.TF_DeleteTensor(Number(value));
    api.check(`running ${source}`);
    return Array.from(results, (result) => {
      const handle = api.TFE_NewTensorHandle(Number(result), api.status) as number;
      api.TF_DeleteTensor(Number(result));
      return backend.createOutputTensor(eager.adopt(handle));
    });
  };
  const dispose = (): void => {
    api.TF_CloseSession(session, api.status);
    api.TF_DeleteSession(session, api.status);
    api.TF_DeleteGraph(graph);
  };
  return { run, dispose };
}
