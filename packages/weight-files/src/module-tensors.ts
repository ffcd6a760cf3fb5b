/** State dicts of whole modules: pickled `torch.nn.Module` objects, and the objects of TorchScript archives. */
import { type Inert, isKind, type Value } from './pickle-value.ts';
import { Unread } from './unread.ts';

const MAX_TENSORS = 1 << 16;
const MAX_DEPTH = 64;

/** Prefix of the classes in a TorchScript archive. */
const SCRIPT = '__torch__.';

type Entries = ReadonlyMap<Value, Value>;

const entriesOf = (value: Value | undefined): Entries =>
  isKind(value, 'dict') ? value.entries : isKind(value, 'object') ? (value.entries ?? new Map()) : new Map();

/** Whether an object is a module, by its class or by its attributes. */
function isModule(value: Value | undefined): value is Inert {
  if (!isKind(value, 'object')) return false;
  if (value.name.startsWith(SCRIPT)) return isKind(value.state, 'dict');
  const state = entriesOf(value.state);
  return state.has('_modules') && state.has('_parameters');
}

/** Parameters, buffers and submodules of a module by name, in the order of `state_dict()`. */
function members({ name, state }: Inert): Iterable<readonly [Value, Value]> {
  const attributes = entriesOf(state);
  if (name.startsWith(SCRIPT)) return attributes;
  const transient = attributes.get('_non_persistent_buffers_set');
  const skipped = new Set(isKind(transient, 'list') ? transient.items : []);
  const buffers = [...entriesOf(attributes.get('_buffers'))].filter(([key]) => !skipped.has(key));
  return [...entriesOf(attributes.get('_parameters')), ...buffers, ...entriesOf(attributes.get('_modules'))];
}

/** The tensors of a module and its submodules by dotted name; undefined where the object is no module. */
export function moduleTensors(root: Inert): Map<Value, Value> | Unread | undefined {
  if (!isModule(root)) return undefined;
  const found = new Map<Value, Value>();
  let visits = 0;
  const visit = (module: Inert, prefix: string, depth: number): boolean => {
    for (const [key, value] of members(module)) {
      if (++visits > MAX_TENSORS || depth > MAX_DEPTH) return false;
      if (isKind(value, 'tensor')) found.set(`${prefix}${key}`, value);
      else if (isModule(value) && !visit(value, `${prefix}${key}.`, depth + 1)) return false;
    }
    return true;
  };
  if (visit(root, '', 0)) return found;
  return new Unread(`a module of more than ${MAX_TENSORS} members or ${MAX_DEPTH} levels`);
}
