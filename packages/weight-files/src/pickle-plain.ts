/** Conversion of the values of a pickle to plain data. */
import { FORBIDDEN_NAMES, quote, type TensorEntry } from './dtype.ts';
import { moduleTensors } from './module-tensors.ts';
import { type Inert, isKind, type Scalar, type StridedTensor, type Value } from './pickle-value.ts';
import { isTorchName } from './torch-types.ts';
import { Unread } from './unread.ts';

const MAX_DEPTH = 64;
const SHOWN = 120;

/** Plain data: `T` for tensors, `Unread` for what has no counterpart. */
export type Plain<T> =
  | Scalar
  | Uint8Array
  | Unread
  | T
  | readonly Plain<T>[]
  | { readonly [key: string]: Plain<T> };

/** Conversions of tensors and arrays. */
export interface Leaves<T> {
  readonly tensor: (tensor: StridedTensor) => T;
  readonly array: (entry: TensorEntry) => T;
}

type Convert<T> = (value: Value, depth: number) => Plain<T>;

/** Classes whose attributes are their content. */
const NAMESPACES: ReadonlySet<string> = new Set(['argparse.Namespace', 'types.SimpleNamespace']);

/** Python's own notation of a scalar or a short tuple of scalars; undefined for anything else. */
function notation(value: Value): string | undefined {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (isKind(value, 'global')) return value.name.slice(0, SHOWN);
  if (!isKind(value, 'list') || value.items.length > 8) return undefined;
  const items = value.items.map((item) => (isKind(item, 'list') ? undefined : notation(item)));
  return items.includes(undefined) ? undefined : `(${items.join(', ')}${items.length === 1 ? ',' : ''})`;
}

function describeInert({ name, args }: Inert): string {
  const shown = args.slice(0, 8).map((arg) => notation(arg) ?? '...');
  return `${name.slice(0, SHOWN)}(${shown.join(', ').slice(0, SHOWN)})`;
}

function convertEntries<T>(entries: ReadonlyMap<Value, Value>, convert: Convert<T>, depth: number): Plain<T> {
  const record: Record<string, Plain<T>> = Object.create(null);
  for (const [key, item] of entries) {
    const name = typeof key === 'string' ? key : notation(key);
    if (name === undefined)
      return new Unread('a dict with a key that is neither text, number nor short tuple');
    if (FORBIDDEN_NAMES.has(name))
      return new Unread(`a dict with the key ${quote(name)}, which no tensor may have`);
    if (name in record) return new Unread(`a dict with two keys that read ${quote(name)}`);
    record[name] = convert(item, depth + 1);
  }
  return record;
}

/** The content of an object that is data alone, or else its description. */
function convertInert<T>(object: Inert, convert: Convert<T>, depth: number): Plain<T> {
  const { name, state, entries, items } = object;
  const attributes = isKind(state, 'dict') ? state.entries : undefined;
  if (NAMESPACES.has(name)) return convertEntries(attributes ?? new Map(), convert, depth);
  const config = name.startsWith('omegaconf.') ? attributes : undefined;
  const content = config?.get('_content') ?? config?.get('_val');
  if (content !== undefined) return convert(content, depth + 1);
  const tensors = moduleTensors(object);
  if (tensors) return tensors instanceof Unread ? tensors : convertEntries(tensors, convert, depth);
  if (entries) return convertEntries(entries, convert, depth);
  if (items) return items.map((item) => convert(item, depth + 1));
  return new Unread(describeInert(object));
}

function convertNew<T>(
  value: Exclude<Value, Scalar | Unread>,
  leaves: Leaves<T>,
  convert: Convert<T>,
  depth: number,
): Plain<T> {
  switch (value.kind) {
    case 'tensor':
      return leaves.tensor(value);
    case 'array':
      if (value.entry === undefined) return new Unread('a NumPy array without content');
      return value.entry instanceof Unread ? value.entry : leaves.array(value.entry);
    case 'bytes':
      return value.data;
    case 'numpy':
      return `${value.bigEndian ? '>' : ''}${value.code}`;
    case 'list':
      return value.items.map((item) => convert(item, depth + 1));
    case 'dict':
      return convertEntries(value.entries, convert, depth);
    case 'object':
      return convertInert(value, convert, depth);
    case 'global':
      return isTorchName(value.name) ? value.name : new Unread(`the name ${value.name.slice(0, SHOWN)}`);
    case 'storage':
      return new Unread(`a storage of ${value.count} elements of ${value.dtype} without a tensor`);
  }
}

/**
 * Dicts and namespaces as records without prototype, lists, tuples and sets as arrays, tensors converted by `leaves`, and
 * anything without counterpart as `Unread`. Shared values stay shared, so the result is no larger than the pickle.
 */
export function toPlain<T>(root: Value, leaves: Leaves<T>): Plain<T> {
  const done = new Map<Value, Plain<T>>();
  const visiting = new Set<Value>();
  const convert = (value: Value, depth: number): Plain<T> => {
    if (value === null || typeof value !== 'object' || value instanceof Unread) return value;
    const known = done.get(value);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH) return new Unread(`a ${value.kind} nested deeper than ${MAX_DEPTH} levels`);
    if (visiting.has(value)) return new Unread(`a ${value.kind} that contains itself`);
    visiting.add(value);
    const plain = convertNew(value, leaves, convert, depth);
    visiting.delete(value);
    done.set(value, plain);
    return plain;
  };
  return convert(root, 0);
}
