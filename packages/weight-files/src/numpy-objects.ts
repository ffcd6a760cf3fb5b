/** NumPy scalars and arrays in a pickle, built without NumPy. */
import { type DType, ELEMENT_BYTES } from './dtype.ts';
import {
  type Call,
  counts,
  type Fail,
  isKind,
  type NumpyArray,
  type NumpyType,
  type Value,
} from './pickle-value.ts';

const numpyType: Call = ([code], fail) =>
  typeof code === 'string' ? { kind: 'numpy', code } : fail('numpy.dtype is called without a type name');

const numpyScalar: Call = ([type, bytes], fail) => {
  if (!isKind(type, 'numpy') || !isKind(bytes, 'bytes')) return fail('a NumPy scalar lacks type or bytes');
  const { data } = bytes;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = {
    f8: () => view.getFloat64(0, true),
    f4: () => view.getFloat32(0, true),
    i8: () => Number(view.getBigInt64(0, true)),
    i4: () => view.getInt32(0, true),
    b1: () => view.getUint8(0) !== 0,
  }[type.code];
  const wanted = Number(type.code.slice(1));
  return read && data.length === wanted ? read() : fail(`a NumPy scalar has type ${type.code}`);
};

/** Element types by NumPy's code; objects, text and times are not numbers and are refused. */
const DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
]);

/** The class passed to `_reconstruct`; it is never called itself. */
export const NUMPY_ARRAY = 'numpy.ndarray';

/** `_reconstruct(ndarray, (0,), b'b')`: an array that a state fills. */
const newArray: Call = ([type], fail) =>
  isKind(type, 'global') && type.name === NUMPY_ARRAY
    ? { kind: 'array', entry: undefined }
    : fail('a NumPy array is made of a class other than ndarray');

/** The functions, by the names of NumPy 1 and 2. */
export const NUMPY_CALLS: readonly (readonly [string, Call])[] = [
  ['numpy.dtype', numpyType],
  ...['numpy.core', 'numpy._core'].flatMap((module): [string, Call][] => [
    [`${module}.multiarray.scalar`, numpyScalar],
    [`${module}.multiarray._reconstruct`, newArray],
  ]),
];

/** An array's state `(version, shape, type, Fortran order, bytes)`. */
function fillArray(array: NumpyArray, [, size, type, fortran, bytes]: readonly Value[], fail: Fail): void {
  const shape = counts(size);
  if (!shape || !isKind(type, 'numpy') || !isKind(bytes, 'bytes'))
    fail('a NumPy array lacks shape, type or bytes');
  const dtype = DTYPES.get(type.code);
  if (!dtype) fail(`a NumPy array has type ${type.code}, wanted one of ${[...DTYPES.keys()].join(', ')}`);
  if (fortran === true && shape.filter((length) => length > 1).length > 1)
    fail('a NumPy array is in Fortran order, wanted C order; save numpy.ascontiguousarray of it');
  const wanted = shape.reduce((product, length) => product * length, ELEMENT_BYTES.get(dtype) as number);
  if (bytes.data.length !== wanted)
    fail(`a NumPy array of shape [${shape}] has ${bytes.data.length} bytes, wanted ${wanted}`);
  array.entry = { dtype, shape, data: bytes.data };
}

/** Applies a pickled state to a type or an array. */
export function setNumpyState(object: NumpyType | NumpyArray, state: readonly Value[], fail: Fail): void {
  if (object.kind === 'array') fillArray(object, state, fail);
  else if (state[1] === '>') fail('a NumPy value is big-endian, wanted little-endian');
}
