/** PyTorch's names in a file of tensors, and what stands for them. */
import { ELEMENT_BYTES } from './dtype.ts';
import { NUMPY_CALLS, setNumpyState } from './numpy-objects.ts';
import {
  type Call,
  counts,
  describe,
  inert,
  isCount,
  isKind,
  type Spend,
  type Storage,
  type Value,
} from './pickle-value.ts';
import { PYTHON_CALLS } from './python-objects.ts';
import { STORAGE_TYPES, TORCH_DTYPES } from './torch-types.ts';
import { Unread } from './unread.ts';

/** `_rebuild_tensor(storage, offset, size, stride)`; `_rebuild_tensor_v2` has `requires_grad` and hooks too. */
const rebuildTensor: Call = ([storage, offset, size, stride]) => {
  const [shape, strides] = [counts(size), counts(stride)];
  if (storage instanceof Unread) return new Unread(`a tensor of ${storage.what}`);
  if (!isKind(storage, 'storage') || !isCount(offset) || !shape || shape.length !== strides?.length)
    return new Unread('a tensor that is not built from a storage, an offset, a size and as many strides');
  const empty = shape.includes(0);
  const last = shape.reduce((sum, length, i) => sum + (length - 1) * (strides[i] as number), offset);
  const elements = shape.reduce((product, length) => product * length, 1);
  if (!(empty ? offset <= storage.count : last < storage.count) || !Number.isSafeInteger(8 * elements)) {
    return new Unread(
      `a tensor of shape [${shape}] with strides [${strides}] at ${offset} that does not fit its storage of ${storage.count} elements`,
    );
  }
  return { kind: 'tensor', storage, offset, shape, strides };
};

/** `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype)` on a storage of bytes. */
const rebuildTyped: Call = ([storage, offset, size, stride, , , type], spend) => {
  const dtype = isKind(type, 'global') ? TORCH_DTYPES.get(type.name) : undefined;
  if (!isKind(storage, 'storage') || !dtype) return new Unread(`a tensor of the type ${describe(type)}`);
  const count = Math.floor(
    (storage.count * (ELEMENT_BYTES.get(storage.dtype) as number)) / (ELEMENT_BYTES.get(dtype) as number),
  );
  return rebuildTensor([{ ...storage, dtype, count }, offset, size, stride] as Value[], spend);
};

/** A function that returns its first argument. */
const first: Call = ([value]) => value ?? new Unread('a call without arguments');

/** `torch.device('cuda', 0)` as PyTorch writes it. */
const device: Call = ([type, index]) =>
  typeof type === 'string'
    ? index === undefined
      ? type
      : `${type}:${index}`
    : new Unread('a device without type');

/** `_rebuild_from_type_v2(function, type, args, state)`: a tensor with attributes. */
const rebuildFromType: Call = ([callee, , args], spend) => callGlobal(callee, args, spend);

const CALLS: ReadonlyMap<string, Call> = new Map<string, Call>([
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildTyped],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch.device', device],
  ...[
    'torch._utils._rebuild_parameter',
    'torch._utils._rebuild_parameter_with_state',
    'torch._utils._rebuild_device_tensor_from_numpy',
    'torch._utils._rebuild_device_tensor_from_cpu_tensor',
    'torch.nn.parameter.Parameter',
    'torch.nn.parameter.Buffer',
    'torch.Size',
    'torch.serialization._get_layout',
    'torch.jit._pickle.build_intlist',
    'torch.jit._pickle.build_doublelist',
    'torch.jit._pickle.build_boollist',
    'torch.jit._pickle.build_tensorlist',
    'torch.jit._pickle.restore_type_tag',
  ].map((name): [string, Call] => [name, first]),
  ...PYTHON_CALLS,
  ...NUMPY_CALLS,
]);

/** `callee(*args)` where it is a function of this package; anything else is not called, but noted. */
export function callGlobal(callee: Value | undefined, args: Value | undefined, spend: Spend): Value {
  const items = isKind(args, 'list') ? args.items : [];
  const call = isKind(callee, 'global') ? CALLS.get(callee.name) : undefined;
  return call ? call(items, spend) : inert(describe(callee), items);
}

/** Applies a pickled state: that of an object is kept, that of an OrderedDict (`_metadata`) is not. */
export function setState(object: Value | undefined, state: Value | undefined, spend: Spend): void {
  if (isKind(object, 'object')) object.state = state;
  else if ((isKind(object, 'numpy') || isKind(object, 'array')) && isKind(state, 'list'))
    setNumpyState(object, state.items, spend);
}

/** A view in a file from before 1.6: `(key, offset, size)` in elements, or None. */
function viewOf(storage: Storage, view: Value | undefined): Storage | Unread {
  if (!isKind(view, 'list')) return storage;
  const [, offset, size] = view.items;
  if (!isCount(offset) || !isCount(size) || offset + size > storage.count)
    return new Unread('a view beyond its storage');
  return { ...storage, begin: offset * (ELEMENT_BYTES.get(storage.dtype) as number), count: size };
}

/** The storage of a persistent id `('storage', type, key, location, count, view?)`, the class of `('module', class, ...)`. */
export function resolvePersistent(id: Value | undefined): Value {
  const [tag, type, key, , count, view] = isKind(id, 'list') ? id.items : [];
  if (tag === 'module' && isKind(type, 'global')) return type;
  const name = isKind(type, 'global') ? type.name : '';
  const dtype = STORAGE_TYPES.get(name);
  if (tag === 'storage' && !dtype && name !== '') return new Unread(`the storage type ${name.slice(0, 80)}`);
  if (tag !== 'storage' || !dtype || typeof key !== 'string' || !isCount(count))
    return new Unread('a persistent id that is not the storage of a tensor');
  const bytes = count * (ELEMENT_BYTES.get(dtype) as number);
  return viewOf({ kind: 'storage', dtype, key, bytes, begin: 0, count }, view);
}
