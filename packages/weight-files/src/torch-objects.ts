/** Allowed Python names in a file of tensors, and their replacements. */
import type { DType } from './dtype.ts';
import { NUMPY_ARRAY, NUMPY_CALLS, setNumpyState } from './numpy-objects.ts';
import {
  type Call,
  counts,
  describe,
  type Fail,
  type Global,
  isCount,
  isKind,
  type List,
  type StridedTensor,
  type Value,
} from './pickle-value.ts';

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

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', ([tensor], fail) => tensor ?? fail('a parameter has no tensor')],
  ['torch.Size', ([size], fail) => size ?? fail('torch.Size is called without a size')],
  ['argparse.Namespace', () => ({ kind: 'namespace', entries: new Map() })],
  ['_codecs.encode', asBytes],
  ...NUMPY_CALLS,
]);

/** The global of a name; only names that files of tensors need are allowed. */
export function resolveGlobal(name: string, fail: Fail): Global {
  if (!CALLS.has(name) && !STORAGE_TYPES.has(name) && name !== NUMPY_ARRAY) {
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
  } else if ((isKind(object, 'numpy') || isKind(object, 'array')) && isKind(state, 'list')) {
    setNumpyState(object, state.items, fail);
  } else if (!isKind(object, 'dict') || !isKind(state, 'dict')) {
    fail(`the pickle sets the state of ${describe(object)}, wanted a dict or a Namespace`);
  }
}

/** The storage of a persistent id `('storage', type, key, location, count)`. */
export function resolveStorage(id: Value | undefined, fail: Fail): Value {
  const [tag, type, key, , count] = isKind(id, 'list') ? (id as List).items : [];
  const dtype = isKind(type, 'global') ? STORAGE_TYPES.get(type.name) : undefined;
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || !isCount(count))
    return fail('a persistent id is not the storage of a tensor');
  return { kind: 'storage', dtype, key, count };
}
