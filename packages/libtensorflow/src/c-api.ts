/** TensorFlow's C API through FFI, as far as this package calls it. Pointers are plain numbers. */
import koffi from 'koffi';

/** TF_DataType values. */
export const DType = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
  uint64: 23,
} as const;

/** TF_AttrType values, as tfjs kernels name them. */
export const Attr = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5, tensor: 6 } as const;

/** An output of a graph operation: TF_Output. */
export interface GraphOutput {
  readonly oper: number;
  readonly index: number;
}

const SIGNATURES = [
  'str TF_Version()',
  'uintptr_t TF_NewStatus()',
  'int TF_GetCode(uintptr_t status)',
  'str TF_Message(uintptr_t status)',
  'uintptr_t TFE_NewContextOptions()',
  'void TFE_ContextOptionsSetConfig(uintptr_t options, void *proto, size_t length, uintptr_t status)',
  'void TFE_DeleteContextOptions(uintptr_t options)',
  'uintptr_t TFE_NewContext(uintptr_t options, uintptr_t status)',
  'uintptr_t TFE_ContextListDevices(uintptr_t context, uintptr_t status)',
  'int TF_DeviceListCount(uintptr_t list)',
  'str TF_DeviceListName(uintptr_t list, int index, uintptr_t status)',
  'str TF_DeviceListType(uintptr_t list, int index, uintptr_t status)',
  'int64_t TF_DeviceListMemoryBytes(uintptr_t list, int index, uintptr_t status)',
  'void TF_DeleteDeviceList(uintptr_t list)',
  'uintptr_t TFE_NewOp(uintptr_t context, str name, uintptr_t status)',
  'void TFE_DeleteOp(uintptr_t op)',
  'void TFE_OpAddInput(uintptr_t op, uintptr_t handle, uintptr_t status)',
  'void TFE_OpAddInputList(uintptr_t op, void *handles, int count, uintptr_t status)',
  'void TFE_OpSetAttrInt(uintptr_t op, str name, int64_t value)',
  'void TFE_OpSetAttrFloat(uintptr_t op, str name, float value)',
  'void TFE_OpSetAttrBool(uintptr_t op, str name, uchar value)',
  'void TFE_OpSetAttrType(uintptr_t op, str name, int value)',
  'void TFE_OpSetAttrString(uintptr_t op, str name, void *value, size_t length)',
  'void TFE_OpSetAttrShape(uintptr_t op, str name, void *dims, int rank, uintptr_t status)',
  'void TFE_OpSetAttrIntList(uintptr_t op, str name, void *values, int count)',
  'void TFE_OpSetAttrFloatList(uintptr_t op, str name, void *values, int count)',
  'void TFE_Execute(uintptr_t op, void *outputs, void *count, uintptr_t status)',
  'uintptr_t TFE_NewTensorHandle(uintptr_t tensor, uintptr_t status)',
  'void TFE_DeleteTensorHandle(uintptr_t handle)',
  'uintptr_t TFE_TensorHandleResolve(uintptr_t handle, uintptr_t status)',
  'int TFE_TensorHandleDataType(uintptr_t handle)',
  'int TFE_TensorHandleNumDims(uintptr_t handle, uintptr_t status)',
  'int64_t TFE_TensorHandleDim(uintptr_t handle, int index, uintptr_t status)',
  'uintptr_t TF_AllocateTensor(int dtype, void *dims, int rank, size_t bytes)',
  'uintptr_t TF_TensorData(uintptr_t tensor)',
  'size_t TF_TensorByteSize(uintptr_t tensor)',
  'void TF_DeleteTensor(uintptr_t tensor)',
  'uintptr_t TF_NewGraph()',
  'void TF_DeleteGraph(uintptr_t graph)',
  'uintptr_t TF_NewOperation(uintptr_t graph, str type, str name)',
  'void TF_AddInput(uintptr_t description, TF_Output input)',
  'void TF_AddInputList(uintptr_t description, TF_Output *inputs, int count)',
  'void TF_AddControlInput(uintptr_t description, uintptr_t operation)',
  'void TF_SetAttrInt(uintptr_t description, str name, int64_t value)',
  'void TF_SetAttrFloat(uintptr_t description, str name, float value)',
  'void TF_SetAttrBool(uintptr_t description, str name, uchar value)',
  'void TF_SetAttrType(uintptr_t description, str name, int value)',
  'void TF_SetAttrString(uintptr_t description, str name, void *value, size_t length)',
  'void TF_SetAttrShape(uintptr_t description, str name, void *dims, int rank)',
  'void TF_SetAttrIntList(uintptr_t description, str name, void *values, int count)',
  'void TF_SetAttrFloatList(uintptr_t description, str name, void *values, int count)',
  'void TF_SetAttrTensor(uintptr_t description, str name, uintptr_t value, uintptr_t status)',
  'uintptr_t TF_FinishOperation(uintptr_t description, uintptr_t status)',
  'int TF_OperationNumOutputs(uintptr_t operation)',
  'int TF_OperationOutputType(TF_Output output)',
  'int TF_GraphGetTensorNumDims(uintptr_t graph, TF_Output output, uintptr_t status)',
  'void TF_GraphGetTensorShape(uintptr_t graph, TF_Output output, void *dims, int rank, uintptr_t status)',
  'void TF_GraphGetOpDef(uintptr_t graph, str name, uintptr_t buffer, uintptr_t status)',
  'uintptr_t TF_NewImportGraphDefOptions()',
  'void TF_DeleteImportGraphDefOptions(uintptr_t options)',
  'void TF_ImportGraphDefOptionsAddInputMapping(uintptr_t options, str name, int index, TF_Output target)',
  'void TF_GraphImportGraphDef(uintptr_t graph, uintptr_t buffer, uintptr_t options, uintptr_t status)',
  'void TF_GraphToGraphDef(uintptr_t graph, uintptr_t buffer, uintptr_t status)',
  'uintptr_t TF_GraphOperationByName(uintptr_t graph, str name)',
  'TF_Output TF_OperationInput(TF_Output input)',
  'uintptr_t TF_NewBuffer()',
  'uintptr_t TF_NewBufferFromString(void *bytes, size_t length)',
  'void TF_DeleteBuffer(uintptr_t buffer)',
  'TF_Buffer TF_GetBuffer(uintptr_t buffer)',
  'uintptr_t TF_GraphToFunction(uintptr_t graph, str name, uchar appendHash, int operations, void *chosen, int inputCount, TF_Output *inputs, int outputCount, TF_Output *outputs, void *outputNames, uintptr_t options, str description, uintptr_t status)',
  'void TF_FunctionSetAttrValueProto(uintptr_t func, str name, void *proto, size_t length, uintptr_t status)',
  'void TF_DeleteFunction(uintptr_t func)',
  'void TF_GraphCopyFunction(uintptr_t graph, uintptr_t func, uintptr_t gradient, uintptr_t status)',
  'void TF_GraphSetTensorShape(uintptr_t graph, TF_Output output, void *dims, int rank, uintptr_t status)',
  'void TFE_ContextAddFunction(uintptr_t context, uintptr_t func, uintptr_t status)',
  'void TFE_ContextRemoveFunction(uintptr_t context, str name, uintptr_t status)',
  'uintptr_t TF_NewSessionOptions()',
  'void TF_DeleteSessionOptions(uintptr_t options)',
  'uintptr_t TF_NewSession(uintptr_t graph, uintptr_t options, uintptr_t status)',
  'void TF_SessionRun(uintptr_t session, uintptr_t runOptions, TF_Output *inputs, void *values, int inputCount, TF_Output *outputs, void *results, int outputCount, void *targets, int targetCount, uintptr_t metadata, uintptr_t status)',
  'void TF_CloseSession(uintptr_t session, uintptr_t status)',
  'void TF_DeleteSession(uintptr_t session, uintptr_t status)',
] as const;

type NameOf<S> = S extends `${string} *${infer N}(${string}`
  ? N
  : S extends `${string} ${infer N}(${string}`
    ? N
    : never;
/** The loaded functions by name, and the status helpers every call needs. */
export type CApi = { readonly [K in NameOf<(typeof SIGNATURES)[number]>]: (...args: unknown[]) => never } & {
  readonly status: number;
  /**
   * Checks the status of the last call.
   * @throws Error with TensorFlow's message, prefixed, where it failed
   */
  readonly check: (what: string) => void;
};

/**
 * Loads libtensorflow_cc, once in a process, and binds the functions above.
 * @throws Error where the file cannot be loaded
 */
export function loadCApi(path: string): CApi {
  const library = koffi.load(path);
  koffi.struct('TF_Output', { oper: 'uintptr_t', index: 'int' });
  koffi.struct('TF_Buffer', { data: 'uintptr_t', length: 'size_t', deallocator: 'uintptr_t' });
  const api: Record<string, unknown> = {};
  for (const signature of SIGNATURES) {
    const name = (/(\w+)\(/.exec(signature) as RegExpExecArray)[1] as string;
    api[name] = library.func(signature);
  }
  const call = api as unknown as Record<string, (...args: unknown[]) => unknown>;
  const status = call['TF_NewStatus']?.() as number;
  api['status'] = status;
  api['check'] = (what: string): void => {
    if (call['TF_GetCode']?.(status) !== 0) throw new Error(`${what}: ${call['TF_Message']?.(status)}`);
  };
  return api as unknown as CApi;
}
