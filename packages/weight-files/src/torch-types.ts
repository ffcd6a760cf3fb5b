/** Names of PyTorch's element types and storages. */
import type { DType } from './dtype.ts';

const TYPES: readonly (readonly [name: string, storage: string, dtype: DType])[] = [
  ['float64', 'Double', 'F64'],
  ['float32', 'Float', 'F32'],
  ['float16', 'Half', 'F16'],
  ['bfloat16', 'BFloat16', 'BF16'],
  ['int64', 'Long', 'I64'],
  ['int32', 'Int', 'I32'],
  ['int16', 'Short', 'I16'],
  ['int8', 'Char', 'I8'],
  ['uint8', 'Byte', 'U8'],
  ['bool', 'Bool', 'BOOL'],
  ['complex64', 'ComplexFloat', 'C64'],
];

/** Types without a storage class of their own: their tensors are views of bytes. */
const NEW_TYPES: readonly (readonly [name: string, dtype: DType])[] = [
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
  ['float8_e8m0fnu', 'F8_E8M0'],
];

/** Element types by the name of the storage class. */
export const STORAGE_TYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ...TYPES.flatMap(([, storage, dtype]): [string, DType][] => [
    [`torch.${storage}Storage`, dtype],
    [`torch.cuda.${storage}Storage`, dtype],
  ]),
  ['torch.storage.UntypedStorage', 'U8'],
]);

/** Element types by the name of the `torch.dtype`. */
export const TORCH_DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ...TYPES.map(([name, , dtype]): [string, DType] => [`torch.${name}`, dtype]),
  ...NEW_TYPES.map(([name, dtype]): [string, DType] => [`torch.${name}`, dtype]),
]);

/** Whether a name is one of PyTorch's constants, such as an element type, a layout or a scheme of quantization. */
export function isTorchName(name: string): boolean {
  return /^torch\.(?:b?float|u?int|complex|bool|bits|quint|qint|strided|sparse|per_|contiguous|channels|preserve)\w*$/.test(
    name,
  );
}
