/** Values of a pickle of tensors while it is read, and their conversion to plain data. */
import { type DType, FORBIDDEN_NAMES, quote, type TensorEntry } from './dtype.ts';

/** A list or a tuple. */
export interface List {
  readonly kind: 'list';
  readonly items: Value[];
}

/** The attributes of an argparse.Namespace. */
export interface Namespace {
  readonly kind: 'namespace';
  readonly entries: Map<string | number, Value>;
}

/** A dict or an OrderedDict. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: Map<string | number, Value>;
}

/** A name that a pickle may call. */
export interface Global {
  readonly kind: 'global';
  readonly name: string;
}

/** `count` elements in a separate entry. */
export interface Storage {
  readonly kind: 'storage';
  readonly dtype: DType;
  readonly key: string;
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

/** The type of a NumPy scalar, such as `f8`. */
export interface NumpyType {
  readonly kind: 'numpy';
  readonly code: string;
}

/** A NumPy array, empty until its state is set. */
export interface NumpyArray {
  readonly kind: 'array';
  entry: TensorEntry | undefined;
}

/** The raw bytes of a NumPy scalar or array. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly data: Uint8Array;
}

export type Scalar = null | boolean | number | bigint | string;
export type Value =
  | Scalar
  | List
  | Dict
  | Namespace
  | Global
  | Storage
  | StridedTensor
  | NumpyType
  | NumpyArray
  | Bytes;

/** Description of a value for an error. */
export function describe(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  return typeof value === 'object' ? value.kind : typeof value;
}

/** Fails with a problem; the error names file and position. */
export type Fail = (problem: string) => never;

const MAX_RANK = 16;

/** A function that a pickle may call. */
export type Call = (args: readonly Value[], fail: Fail) => Value;

/** Whether a value is a whole number of at least 0. */
export function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Whether a value is an object of a kind. */
export function isKind<K extends string>(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { kind: K }> {
  return typeof value === 'object' && value?.kind === kind;
}

/** The items of a list of counts, such as a shape. */
export function counts(value: Value | undefined): readonly number[] | undefined {
  const items = isKind(value, 'list') ? value.items : undefined;
  return items && items.length <= MAX_RANK && items.every(isCount) ? (items as number[]) : undefined;
}

const MAX_DEPTH = 64;

export type Plain<T> = Scalar | T | readonly Plain<T>[] | { readonly [key: string]: Plain<T> };

/** Conversions of tensors and arrays. */
export interface Leaves<T> {
  readonly tensor: (tensor: StridedTensor) => T;
  readonly array: (entry: TensorEntry) => T;
}

/**
 * Dicts and namespaces as records without prototype, lists and tuples as arrays, tensors converted by `leaves`. Shared values
 * stay shared, so the result is no larger than the pickle. `fail` throws.
 */
export function toPlain<T>(root: Value, leaves: Leaves<T>, fail: (problem: string) => never): Plain<T> {
  const done = new Map<Value, Plain<T>>();
  const visiting = new Set<Value>();
  const convert = (value: Value, depth: number): Plain<T> => {
    if (value === null || typeof value !== 'object') return value;
    const known = done.get(value);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) fail(`the pickle nests deeper than ${MAX_DEPTH} levels`);
    if (visiting.has(value)) fail('the pickle contains itself');
    visiting.add(value);
    const plain = convertNew(value, depth);
    visiting.delete(value);
    done.set(value, plain);
    return plain;
  };
  const convertNew = (value: Exclude<Value, Scalar>, depth: number): Plain<T> => {
    if (value.kind === 'tensor') return leaves.tensor(value);
    if (value.kind === 'array' && value.entry) return leaves.array(value.entry);
    if (value.kind === 'list') return value.items.map((item) => convert(item, depth + 1));
    if (value.kind !== 'dict' && value.kind !== 'namespace')
      return fail(`the pickle has a ${value.kind} that belongs to no tensor`);
    const record: Record<string, Plain<T>> = Object.create(null);
    for (const [key, item] of value.entries) {
      const name = String(key);
      if (FORBIDDEN_NAMES.has(name)) fail(`the pickle uses the key ${quote(name)}, which no tensor may have`);
      if (name in record) fail(`the pickle has the key ${quote(name)} both as number and as string`);
      record[name] = convert(item, depth + 1);
    }
    return record;
  };
  return convert(root, 0);
}
