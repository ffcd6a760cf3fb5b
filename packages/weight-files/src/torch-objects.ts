/** The Python names that a file of tensors may use, and what calling them makes. */
import type { DType } from './dtype.ts';
import { describe, type Global, type List, type StridedTensor, type Value } from './pickle-value.ts';

/** Throws; the message names file and position. */
export type Fail = (problem: string) => never;

const STORAGE_TYPES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

const MAX_RANK = 16;

type Call = (args: readonly Value[], fail: Fail) => Value;

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isKind<K extends string>(value: Value | undefined, kind: K): value is Extract<Value, { kind: K }> {
  return typeof value === 'object' && value?.kind === kind;
}

function counts(value: Value | undefined): readonly number[] | undefined {
  const items = isKind(value, 'list') ? value.items : undefined;
  return items && items.length <= MAX_RANK && items.every(isCount) ? (items as number[]) : undefined;
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`. */
const rebuildTensor: Call = ([storage, offset, size, stride], fail) => {
  const [shape, strides] = [counts(size), counts(stride)];
  if (!isKind(storage, 'storage') || !isCount(offset) || !shape || shape.length !== strides?.length)
    return fail('a tensor is not built from a storage, an offset, a size and as many strides');
  const span = shape.includes(0)
    ? 0
    : shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), 1);
  const elements = shape.reduce((product, length) => product * length, 1);
  if (!(offset + span <= storage.count && elements <= storage.count)) {
    fail(
      `a tensor of shape [${shape}] with strides [${strides}] at ${offset} does not fit its storage of ${storage.count} elements`,
    );
  }
  return { kind: 'tensor', storage, offset, shape, strides } satisfies StridedTensor;
};

const orderedDict: Call = (args, fail) =>
  args.length === 0
    ? { kind: 'dict', entries: new Map() }
    : fail('an OrderedDict is called with arguments, wanted none');

const asBytes: Call = ([text, encoding], fail) => {
  if (typeof text !== 'string' || encoding !== 'latin1')
    return fail('_codecs.encode is called with something else than text and latin1');
  return { kind: 'bytes', data: Uint8Array.from(text, (character) => character.charCodeAt(0)) };
};

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

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', ([tensor], fail) => tensor ?? fail('a parameter has no tensor')],
  ['torch.Size', ([size], fail) => size ?? fail('torch.Size is called without a size')],
  ['argparse.Namespace', () => ({ kind: 'namespace', entries: new Map() })],
  ['_codecs.encode', asBytes],
  ['numpy.dtype', numpyType],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['numpy._core.multiarray.scalar', numpyScalar],
]);

/** The global of a name; every name that no file of tensors needs is refused. */
export function globalOf(name: string, fail: Fail): Global {
  if (!CALLS.has(name) && !STORAGE_TYPES.has(name)) {
    fail(
      `the pickle asks for ${JSON.stringify(name.slice(0, 200))}, which is not read because it could run code; save plain tensors with torch.save(model.state_dict(), path)`,
    );
  }
  return { kind: 'global', name };
}

/** `callee(*args)`. */
export function callGlobal(callee: Value | undefined, args: Value | undefined, fail: Fail): Value {
  const call = isKind(callee, 'global') ? CALLS.get(callee.name) : undefined;
  if (!call || !isKind(args, 'list'))
    return fail(`the pickle calls ${describe(callee)}, wanted a function of the list`);
  return call(args.items, fail);
}

/** Applies a pickled state: attributes of a namespace are kept, those of an OrderedDict (`_metadata`) are not. */
export function setState(object: Value | undefined, state: Value | undefined, fail: Fail): void {
  if (isKind(object, 'namespace') && isKind(state, 'dict')) {
    for (const [key, value] of state.entries) object.entries.set(key, value);
  } else if (isKind(object, 'numpy') && isKind(state, 'list')) {
    if (state.items[1] === '>') fail('a NumPy scalar is big-endian, wanted little-endian');
  } else if (!isKind(object, 'dict') || !isKind(state, 'dict')) {
    fail(`the pickle sets the state of ${describe(object)}, wanted a dict or a Namespace`);
  }
}

/** The storage of a persistent id `('storage', type, key, location, count)`. */
export function storageOf(id: Value | undefined, fail: Fail): Value {
  const [tag, type, key, , count] = isKind(id, 'list') ? (id as List).items : [];
  const dtype = isKind(type, 'global') ? STORAGE_TYPES.get(type.name) : undefined;
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || !isCount(count))
    return fail('a persistent id is not the storage of a tensor');
  return { kind: 'storage', dtype, key, count };
}
