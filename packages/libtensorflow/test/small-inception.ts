/** A GraphDef with the tensor names and ops of the 2015 Inception graph that figures use, made through the C API. */
import { testValues } from '@ahpa/test-utils';
import type { OpAttribute } from '../kernels/bundle.js';
import { setAttributes } from '../src/attributes.ts';
import { DType, type GraphOutput } from '../src/c-api.ts';
import { newTensor } from '../src/eager.ts';
import { attribute } from '../src/graph.ts';
import { activeBackend } from '../src/index.ts';
import { readBytes } from '../src/memory.ts';

/** A serialised graph: one image decoded and expanded -> resize to 9 -> (x - 128) / 128 -> 1 x 1 conv, ReLU -> pool -> logits. */
export function smallInception(): { bytes: Uint8Array; kernel: Float32Array; weights: Float32Array } {
  const { api } = activeBackend().eager.native;
  const graph = api.TF_NewGraph() as number;
  const add = (
    type: string,
    name: string,
    inputs: readonly GraphOutput[],
    attributes: readonly OpAttribute[] = [],
  ): GraphOutput => {
    const description = api.TF_NewOperation(graph, type, name) as number;
    for (const input of inputs) api.TF_AddInput(description, input);
    setAttributes(api, 'TF_', description, attributes);
    const oper = api.TF_FinishOperation(description, api.status) as number;
    api.check(name);
    return { oper, index: 0 };
  };
  const constant = (name: string, shape: number[], values: Float32Array | Int32Array): GraphOutput => {
    const dtype = values instanceof Int32Array ? DType.int32 : DType.float32;
    const value = newTensor(api, shape, dtype, new Uint8Array(values.buffer));
    const made = add('Const', name, [], [attribute.type('dtype', dtype), attribute.tensor('value', value)]);
    api.TF_DeleteTensor(value);
    return made;
  };
  const kernel = testValues(6, 3);
  const weights = testValues(6, 4);
  const image = constant('Cast', [4, 4, 3], new Float32Array(48));
  const one = add('ExpandDims', 'ExpandDims', [image, constant('ExpandDims/dim', [], Int32Array.of(0))]);
  const resized = add('ResizeBilinear', 'ResizeBilinear', [one, constant('size', [2], Int32Array.of(9, 9))]);
  const centred = add('Sub', 'Sub', [resized, constant('Sub/y', [], Float32Array.of(128))]);
  const x = add('Mul', 'Mul', [centred, constant('Mul/y', [], Float32Array.of(1 / 128))]);
  const conv = add(
    'Conv2D',
    'mixed_6/Conv2D',
    [x, constant('kernel', [1, 1, 3, 2], kernel)],
    [attribute.int('strides', [1, 1, 1, 1]), attribute.string('padding', 'VALID')],
  );
  const relu = add('Relu', 'mixed_6/conv', [conv]);
  const windows = [attribute.int('ksize', [1, 9, 9, 1]), attribute.int('strides', [1, 1, 1, 1])];
  const pool = add('AvgPool', 'pool_3', [relu], [...windows, attribute.string('padding', 'VALID')]);
  const flat = add('Reshape', 'pool_3/_reshape', [pool, constant('shape', [2], Int32Array.of(1, 2))]);
  add('MatMul', 'softmax/logits/MatMul', [flat, constant('softmax/weights', [2, 3], weights)]);
  const buffer = api.TF_NewBuffer() as number;
  api.TF_GraphToGraphDef(graph, buffer, api.status);
  api.check('writing the graph');
  const { data, length } = api.TF_GetBuffer(buffer) as { data: number; length: number };
  const bytes = readBytes(data, Number(length));
  api.TF_DeleteBuffer(buffer);
  api.TF_DeleteGraph(graph);
  return { bytes, kernel, weights };
}
