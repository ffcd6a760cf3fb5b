/** Values of a pickle of tensors while it is read. */
import type { DType, TensorEntry } from './dtype.ts';
import { Unread } from './unread.ts';

/** A list, a tuple or a set. */
export interface List {
  readonly kind: 'list';
  readonly items: Value[];
}

/** A dict or an OrderedDict. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: Map<Value, Value>;
}

/** A name of a Python module. */
export interface Global {
  readonly kind: 'global';
  readonly name: string;
}

/** The result of a call that was not made: the callee's name, its arguments, and what the pickle puts into the object. */
export interface Inert {
  readonly kind: 'object';
  readonly name: string;
  readonly args: readonly Value[];
  state: Value | undefined;
  /** Entries of a class derived from dict, and items of one derived from list or set. */
  entries: Map<Value, Value> | undefined;
  items: Value[] | undefined;
}

/** A file's storage, or a view of it: `count` elements from byte `begin` of the storage's `bytes` on. */
export interface Storage {
  readonly kind: 'storage';
  readonly dtype: DType;
  readonly key: string;
  readonly bytes: number;
  readonly begin: number;
  readonly count: number;
}

/** A view of a storage; offset and strides count elements. */
export interface StridedTensor {
  readonly kind: 'tensor';
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** The type of a NumPy scalar or array: a code such as `f8`, and its byte order. */
export interface NumpyType {
  readonly kind: 'numpy';
  readonly code: string;
  bigEndian: boolean;
}

/** A NumPy array, empty until its state is set. */
export interface NumpyArray {
  readonly kind: 'array';
  entry: TensorEntry | Unread | undefined;
}

/** Bytes of Python, or the raw bytes of a NumPy scalar or array. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly data: Uint8Array;
}

export type Scalar = null | boolean | number | bigint | string;
export type Value =
  | Scalar
  | Unread
  | List
  | Dict
  | Global
  | Inert
  | Storage
  | StridedTensor
  | NumpyType
  | NumpyArray
  | Bytes;

/** Description of a value for an error. */
export function describe(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (value instanceof Unread) return value.what;
  if (typeof value !== 'object') return typeof value;
  return value.kind === 'global' || value.kind === 'object' ? value.name.slice(0, 200) : value.kind;
}

/** Fails with a problem; the error names file and position. */
export type Fail = (problem: string) => never;

/** Counts memory that a pickle takes beyond its own bytes; fails where it is too much. */
export type Spend = (bytes: number) => void;

/** A function that a pickle may call: a pure one of this package. */
export type Call = (args: readonly Value[], spend: Spend) => Value;

const MAX_RANK = 64;

/** Whether a value is a whole number of at least 0. */
export function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Whether a value is an object of a kind. */
export function isKind<K extends string>(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { kind: K }> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Unread) &&
    value.kind === (kind as string)
  );
}

/** The items of a list of counts, such as a shape. */
export function counts(value: Value | undefined): readonly number[] | undefined {
  const items = isKind(value, 'list') ? value.items : undefined;
  return items && items.length <= MAX_RANK && items.every(isCount) ? (items as number[]) : undefined;
}

/** An object of a class or the result of a function that is not called. */
export const inert = (name: string, args: readonly Value[]): Inert => ({
  kind: 'object',
  name,
  args,
  state: undefined,
  entries: undefined,
  items: undefined,
});
