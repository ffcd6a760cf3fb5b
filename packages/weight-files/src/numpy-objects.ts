/** NumPy scalars and arrays in a pickle, built without NumPy. */
import { type DType, ELEMENT_BYTES } from './dtype.ts';
import { halfToFloat } from './float.ts';
import {
  type Bytes,
  type Call,
  counts,
  isKind,
  type NumpyArray,
  type NumpyType,
  type Spend,
  type Value,
} from './pickle-value.ts';
import { gather } from './strided.ts';
import { Unread } from './unread.ts';

const numpyType: Call = ([code]) =>
  typeof code === 'string'
    ? { kind: 'numpy', code, bigEndian: false }
    : new Unread('a NumPy type without a name');

/** Element types by NumPy's code; objects, text and times are not numbers. */
const DTYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u8', 'U64'],
  ['u4', 'U32'],
  ['u2', 'U16'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
  ['c8', 'C64'],
]);

const small = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

const complex = (real: number, imag: number): Value => ({
  kind: 'dict',
  entries: new Map<Value, Value>([
    ['real', real],
    ['imag', imag],
  ]),
});

const READ: Readonly<Record<string, (view: DataView, little: boolean) => Value>> = {
  f8: (view, little) => view.getFloat64(0, little),
  f4: (view, little) => view.getFloat32(0, little),
  f2: (view, little) => halfToFloat(view.getUint16(0, little)),
  i8: (view, little) => small(view.getBigInt64(0, little)),
  i4: (view, little) => view.getInt32(0, little),
  i2: (view, little) => view.getInt16(0, little),
  i1: (view) => view.getInt8(0),
  u8: (view, little) => small(view.getBigUint64(0, little)),
  u4: (view, little) => view.getUint32(0, little),
  u2: (view, little) => view.getUint16(0, little),
  u1: (view) => view.getUint8(0),
  b1: (view) => view.getUint8(0) !== 0,
  c8: (view, little) => complex(view.getFloat32(0, little), view.getFloat32(4, little)),
  c16: (view, little) => complex(view.getFloat64(0, little), view.getFloat64(8, little)),
};

/** Raw bytes; pickles of Python 2 have them as text in latin1. */
function rawBytes(value: Value | undefined, spend: Spend): Bytes | undefined {
  if (typeof value !== 'string') return isKind(value, 'bytes') ? value : undefined;
  spend(value.length);
  return { kind: 'bytes', data: new Uint8Array(Buffer.from(value, 'latin1')) };
}

const numpyScalar: Call = ([type, content], spend) => {
  const bytes = rawBytes(content, spend);
  if (!isKind(type, 'numpy') || !bytes) return new Unread('a NumPy scalar that lacks type or bytes');
  const { data } = bytes;
  const read = READ[type.code];
  if (!read || data.length !== Number(type.code.slice(1)))
    return new Unread(`a NumPy scalar of type ${type.code.slice(0, 80)}`);
  return read(new DataView(data.buffer, data.byteOffset, data.byteLength), !type.bigEndian);
};

/** `_reconstruct(ndarray, (0,), b'b')`: an array that a state fills. */
const newArray: Call = () => ({ kind: 'array', entry: undefined });

/** The functions, by the names of NumPy 1 and 2. */
export const NUMPY_CALLS: readonly (readonly [string, Call])[] = [
  ['numpy.dtype', numpyType],
  ...['numpy.core', 'numpy._core'].flatMap((module): [string, Call][] => [
    [`${module}.multiarray.scalar`, numpyScalar],
    [`${module}.multiarray._reconstruct`, newArray],
  ]),
];

/** Elements in the other byte order; complex ones have two parts. */
function swapped(data: Uint8Array, dtype: DType): Uint8Array {
  const width = dtype === 'C64' ? 4 : (ELEMENT_BYTES.get(dtype) as number);
  const copy = new Uint8Array(data);
  for (let at = 0; at < copy.length; at += width) copy.subarray(at, at + width).reverse();
  return copy;
}

/** An array's state `(version, shape, type, Fortran order, bytes)`. */
function arrayEntry([, size, type, fortran, content]: readonly Value[], spend: Spend): NumpyArray['entry'] {
  const shape = counts(size);
  if (!shape || !isKind(type, 'numpy')) return new Unread('a NumPy array that lacks shape or type');
  const dtype = DTYPES.get(type.code);
  if (!dtype) return new Unread(`a NumPy array of type ${type.code.slice(0, 80)}`);
  const bytes = rawBytes(content, spend);
  if (!bytes) return new Unread('a NumPy array that lacks its bytes');
  const width = ELEMENT_BYTES.get(dtype) as number;
  const wanted = shape.reduce((product, length) => product * length, width);
  if (bytes.data.length !== wanted)
    return new Unread(`a NumPy array of shape [${shape}] with ${bytes.data.length} bytes, wanted ${wanted}`);
  const turned = fortran === true && shape.filter((length) => length > 1).length > 1;
  if (turned || type.bigEndian) spend(wanted);
  const data = type.bigEndian ? swapped(bytes.data, dtype) : bytes.data;
  if (!turned) return { dtype, shape, data };
  const strides = shape.map((_, i) => shape.slice(0, i).reduce((product, length) => product * length, 1));
  return { dtype, shape, data: gather(data, shape, strides, width) };
}

/** Applies a pickled state to a type or an array. */
export function setNumpyState(object: NumpyType | NumpyArray, state: readonly Value[], spend: Spend): void {
  if (object.kind === 'array') object.entry = arrayEntry(state, spend);
  else object.bigEndian = state[1] === '>';
}
