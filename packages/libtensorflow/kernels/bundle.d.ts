import type { BackendValues, DataType, KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** What the kernels ask of a native binding. */
export interface KernelBinding {
  createTensor(shape: number[], dtype: number, values: ArrayBufferView | readonly number[]): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayBufferView;
  executeOp(name: string, attributes: OpAttribute[], inputs: number[], outputs: number): TensorMetadata[];
  isUsingGpuDevice(): boolean;
  getNumOfTensors(): number;
  readonly TF_Version: string;
}

export interface TensorRecord {
  shape: number[];
  dtype: number;
  id: number;
  values: ArrayBufferView | null;
  refCount: number;
}

export class NodeJSKernelBackend extends KernelBackend {
  constructor(binding: KernelBinding, packageName: string);
  binding: KernelBinding;
  tensorMap: { get(dataId: object): TensorRecord; has(dataId: object): boolean };
  getInputTensorIds(tensors: readonly { dataId: object }[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: readonly TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OpAttribute[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
  typeAttributeFromTensor(tensor: { dtype: DataType }): number;
  move(dataId: object, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void;
  readSync(dataId: object): BackendValues;
}
