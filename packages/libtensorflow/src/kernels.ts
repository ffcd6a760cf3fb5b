/** Kernels this package adds to or replaces among those of tfjs-node. */
import type { Kernels } from '@ahpa/ops';
import * as tf from '@tensorflow/tfjs-core';
import type { NodeJSKernelBackend } from '../kernels/bundle.js';
import { DType } from './c-api.ts';
import { attribute } from './graph.ts';

interface KernelArguments<I, A> {
  inputs: I;
  attrs: A;
  backend: NodeJSKernelBackend;
}

/** The optional kernels of `@ahpa/ops` that act outside a trace too. */
export type EagerKernel = 'MulNoNan' | 'L2Loss' | 'PhiloxNormal' | 'PhiloxUniform';

/** An optional kernel by its name. */
type OptionalKernel<K extends EagerKernel, A = object> = (
  args: KernelArguments<Kernels[K]['inputs'], A>,
) => Kernels[K]['result'];

/** Gather without tfjs-node's host read of the indices: TensorFlow itself checks their bounds. */
function gather({
  inputs,
  attrs,
  backend,
}: KernelArguments<{ x: tf.Tensor; indices: tf.Tensor }, { axis: number; batchDims: number }>): tf.Tensor {
  const axis = tf.scalar(attrs.axis, 'int32');
  const result = backend.executeSingleOutput(
    'GatherV2',
    [
      attribute.int('batch_dims', attrs.batchDims),
      attribute.type('Tparams', backend.typeAttributeFromTensor(inputs.x)),
      attribute.type('Tindices', DType.int32),
      attribute.type('Taxis', DType.int32),
    ],
    [inputs.x, inputs.indices, axis],
  );
  axis.dispose();
  return result;
}

/** `x y`, exactly 0 where `y` is 0 even if `x` is not finite. */
const mulNoNan: OptionalKernel<'MulNoNan'> = ({ inputs, backend }) =>
  backend.executeSingleOutput('MulNoNan', [attribute.type('T', DType.float32)], [inputs.x, inputs.y]);

/** Half the sum of squares, in one pass. */
const l2Loss: OptionalKernel<'L2Loss'> = ({ inputs, backend }) =>
  backend.executeSingleOutput('L2Loss', [attribute.type('T', DType.float32)], [inputs.x]);

interface PhiloxAttributes {
  shape: readonly number[];
  keyLow: number;
  keyHigh: number;
}

const uint64 = (low: number, high: number): BigUint64Array =>
  BigUint64Array.of((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));

/** TensorFlow's stateless Philox stream under a 64-bit key; `step` is the high half of the counter. */
function philox<K extends 'PhiloxNormal' | 'PhiloxUniform'>(op: string): OptionalKernel<K, PhiloxAttributes> {
  return ({ inputs, attrs, backend }) => {
    const { binding } = backend;
    const scratch: number[] = [];
    const own = (id: number): number => {
      scratch.push(id);
      return id;
    };
    const run = (name: string, attributes: Parameters<typeof binding.executeOp>[1], ids: number[]): number =>
      own((binding.executeOp(name, attributes, ids, 1)[0] as { id: number }).id);
    const [step] = backend.getInputTensorIds([inputs.step]) as [number];
    const high = run(
      'Cast',
      [attribute.type('SrcT', DType.int32), attribute.type('DstT', DType.uint64)],
      [step],
    );
    const low = own(binding.createTensor([], DType.uint64, uint64(0, 0)));
    const counter = run(
      'Pack',
      [attribute.int('N', 2), attribute.type('T', DType.uint64), attribute.int('axis', 0)],
      [low, high],
    );
    const key = own(binding.createTensor([1], DType.uint64, uint64(attrs.keyLow, attrs.keyHigh)));
    const shape = own(binding.createTensor([attrs.shape.length], DType.int32, Int32Array.from(attrs.shape)));
    const algorithm = own(binding.createTensor([], DType.int32, Int32Array.of(1)));
    const attributes = [attribute.type('dtype', DType.float32), attribute.type('Tshape', DType.int32)];
    const [made] = binding.executeOp(op, attributes, [shape, key, counter, algorithm], 1);
    for (const id of scratch) binding.deleteTensor(id);
    return backend.createOutputTensor(made as NonNullable<typeof made>);
  };
}

/** Registers a kernel of the `tensorflow` backend in place of one of the same name. */
export function setKernel(kernelName: string, kernelFunc: unknown): void {
  if (tf.getKernel(kernelName, 'tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({ kernelName, backendName: 'tensorflow', kernelFunc: kernelFunc as tf.KernelFunc });
}

const OPTIONAL: { readonly [K in EagerKernel]: OptionalKernel<K, never> } = {
  MulNoNan: mulNoNan,
  L2Loss: l2Loss,
  PhiloxNormal: philox('StatelessRandomNormalV2'),
  PhiloxUniform: philox('StatelessRandomUniformV2'),
};

/** Registers the kernels above for the `tensorflow` backend. */
export function registerKernels(): void {
  setKernel('GatherV2', gather);
  for (const [name, kernel] of Object.entries(OPTIONAL)) setKernel(name, kernel);
}
