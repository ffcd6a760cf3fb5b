/** The native binding of tfjs-node's kernels, with each op executed at once through the eager C API. */
import type { KernelBinding, TensorMetadata } from '../kernels/bundle.js';
import { setAttributes } from './attributes.ts';
import { Attr, type CApi, DType } from './c-api.ts';
import { fillBytes, readBytes, writeBytes } from './memory.ts';
import type { Native } from './native.ts';

const BYTES: Readonly<Record<number, number>> = {
  [DType.float32]: 4,
  [DType.float64]: 8,
  [DType.int32]: 4,
  [DType.uint8]: 1,
  [DType.complex64]: 8,
  [DType.int64]: 8,
  [DType.uint64]: 8,
  [DType.bool]: 1,
  [DType.bfloat16]: 2,
};

/** The constants that tfjs kernels read off the binding. */
const CONSTANTS = {
  TF_FLOAT: DType.float32,
  TF_INT32: DType.int32,
  TF_UINT8: DType.uint8,
  TF_STRING: DType.string,
  TF_COMPLEX64: DType.complex64,
  TF_INT64: DType.int64,
  TF_BOOL: DType.bool,
  TF_RESOURCE: DType.resource,
  TF_ATTR_STRING: Attr.string,
  TF_ATTR_INT: Attr.int,
  TF_ATTR_FLOAT: Attr.float,
  TF_ATTR_BOOL: Attr.bool,
  TF_ATTR_TYPE: Attr.type,
  TF_ATTR_SHAPE: Attr.shape,
  TF_ATTR_RESOURCE: 9,
};

/**
 * The little-endian bytes of tfjs tensor values, which may be typed arrays of another type or plain arrays.
 * @throws Error where the dtype is not supported or the number of values differs
 */
export function tensorBytes(
  dtype: number,
  count: number,
  values: ArrayBufferView | readonly number[],
): Uint8Array {
  const size = BYTES[dtype];
  if (size === undefined)
    throw new Error(`tensors of TensorFlow type ${dtype} (string, for one) are not supported`);
  if (ArrayBuffer.isView(values) && values.byteLength === count * size) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const numbers = values as readonly number[];
  if (numbers.length !== count) {
    throw new Error(`a tensor of ${count} elements was given ${numbers.length} values`);
  }
  if (dtype === DType.bool || dtype === DType.uint8) return Uint8Array.from(numbers);
  if (dtype === DType.int32) return new Uint8Array(Int32Array.from(numbers).buffer);
  return new Uint8Array(Float32Array.from(numbers).buffer);
}

/** Allocates a TF_Tensor holding a copy of `bytes`; the caller deletes it. */
export function newTensor(api: CApi, shape: readonly number[], dtype: number, bytes: Uint8Array): number {
  const dims = BigInt64Array.from(shape.map(BigInt));
  const tensor = api.TF_AllocateTensor(dtype, dims, shape.length, bytes.byteLength) as number;
  writeBytes(api.TF_TensorData(tensor) as number, bytes);
  return tensor;
}

function toArray(dtype: number, bytes: Uint8Array<ArrayBuffer>): ArrayBufferView {
  if (dtype === DType.float32 || dtype === DType.complex64) return new Float32Array(bytes.buffer);
  if (dtype === DType.float64) return new Float64Array(bytes.buffer);
  if (dtype === DType.int32) return new Int32Array(bytes.buffer);
  if (dtype === DType.int64) return new BigInt64Array(bytes.buffer);
  return bytes;
}

/** The eager binding: tensor handles under small integer ids. */
export interface EagerBinding extends KernelBinding {
  readonly native: Native;
  /**
   * The TFE handle behind an id.
   * @throws Error where the id is unknown: a disposed tensor or one leaked from a trace
   */
  handle(id: number): number;
  /** Takes ownership of a TFE handle. */
  adopt(handle: number): TensorMetadata;
  /**
   * Copies the bytes of a tensor into `memory`.
   * @throws Error where the length differs
   */
  copyData(id: number, memory: Uint8Array): void;
}

export function createEagerBinding(native: Native): EagerBinding {
  const { api, context } = native;
  const handles = new Map<number, number>();
  let nextId = 1;
  const outputs = new BigUint64Array(4096);
  const outputCount = new Int32Array(1);
  const dims = (handle: number): number[] => {
    const rank = api.TFE_TensorHandleNumDims(handle, api.status) as number;
    api.check('reading a tensor rank');
    return Array.from({ length: rank }, (_, i) => Number(api.TFE_TensorHandleDim(handle, i, api.status)));
  };
  const withData = <T>(id: number, use: (address: number, length: number) => T): T => {
    const tensor = api.TFE_TensorHandleResolve(binding.handle(id), api.status) as number;
    api.check('reading a tensor');
    try {
      return use(api.TF_TensorData(tensor) as number, Number(api.TF_TensorByteSize(tensor)));
    } finally {
      api.TF_DeleteTensor(tensor);
    }
  };
  const binding: EagerBinding = {
    ...CONSTANTS,
    native,
    TF_Version: native.version,
    handle(id) {
      const handle = handles.get(id);
      if (handle === undefined) {
        throw new Error(
          'a tensor was used that does not exist on the device: it was disposed, or made inside a compiled function and kept outside it',
        );
      }
      return handle;
    },
    adopt(handle) {
      const id = nextId++;
      handles.set(id, handle);
      return { id, dtype: api.TFE_TensorHandleDataType(handle) as number, shape: dims(handle) };
    },
    createTensor(shape, dtype, values) {
      const count = shape.reduce((a, b) => a * b, 1);
      const tensor = newTensor(api, shape, dtype, tensorBytes(dtype, count, values));
      const handle = api.TFE_NewTensorHandle(tensor, api.status) as number;
      api.TF_DeleteTensor(tensor);
      api.check('creating a tensor');
      const id = nextId++;
      handles.set(id, handle);
      return id;
    },
    deleteTensor(id) {
      const handle = handles.get(id);
      if (handle === undefined) return;
      handles.delete(id);
      api.TFE_DeleteTensorHandle(handle);
    },
    tensorDataSync(id) {
      const dtype = api.TFE_TensorHandleDataType(binding.handle(id)) as number;
      return toArray(dtype, withData(id, readBytes));
    },
    copyData(id, memory) {
      withData(id, (address, length) => {
        if (length !== memory.byteLength)
          throw new Error(`memory of ${memory.byteLength} bytes was given for a tensor of ${length}`);
        fillBytes(memory, address);
      });
    },
    executeOp(name, attributes, inputs, count) {
      const op = api.TFE_NewOp(context, name, api.status) as number;
      api.check(name);
      try {
        setAttributes(api, 'TFE_Op', op, attributes);
        if (inputs.length > 32) {
          const list = BigUint64Array.from(inputs, (id) => BigInt(binding.handle(id)));
          api.TFE_OpAddInputList(op, list, list.length, api.status);
        } else {
          for (const id of inputs) api.TFE_OpAddInput(op, binding.handle(id), api.status);
        }
        api.check(name);
        outputCount[0] = count;
        api.TFE_Execute(op, outputs, outputCount, api.status);
        api.check(name);
      } finally {
        api.TFE_DeleteOp(op);
      }
      return Array.from({ length: outputCount[0] as number }, (_, i) => binding.adopt(Number(outputs[i])));
    },
    isUsingGpuDevice: () => native.devices.some(({ type }) => type === 'GPU'),
    getNumOfTensors: () => handles.size,
  };
  return binding;
}
