/** Steps of a pickle machine that build containers and note calls. */
import { type Machine, pop, popMark, top } from './pickle-machine.ts';
import { type Dict, describe, type Global, isKind, type List, type Value } from './pickle-value.ts';
import { callGlobal, resolvePersistent, setState } from './torch-objects.ts';

/** Memory of an empty list, an empty dict, a noted call and a place in the memo. */
const LIST_BYTES = 64;
const DICT_BYTES = 192;
const CALL_BYTES = 128;
const MEMO_BYTES = 32;

export function list(machine: Machine, items: Value[]): List {
  machine.spend(LIST_BYTES);
  return { kind: 'list', items };
}

/** A dict of alternating keys and values. */
export function dict(machine: Machine, items: readonly Value[]): Dict {
  machine.spend(DICT_BYTES);
  const target: Dict = { kind: 'dict', entries: new Map() };
  setItems(machine, target, items);
  return target;
}

export function tuple(machine: Machine, length: number): void {
  const items = Array.from({ length }, () => pop(machine)).reverse();
  machine.stack.push(list(machine, items));
}

/** Appends to the list or set on the stack; a class derived from one keeps its items. */
export function append(machine: Machine, items: readonly Value[]): void {
  const target = top(machine);
  if (isKind(target, 'object')) target.items ??= [];
  const into = isKind(target, 'list') || isKind(target, 'object') ? target.items : undefined;
  if (!into) machine.fail(`the pickle appends to ${describe(target)}, wanted a list`);
  for (const item of items) (into as Value[]).push(item);
}

function setItems(machine: Machine, target: Value, items: readonly Value[]): void {
  if (isKind(target, 'object')) target.entries ??= new Map();
  const into = isKind(target, 'dict') || isKind(target, 'object') ? target.entries : undefined;
  if (!into || items.length % 2 !== 0)
    machine.fail(
      `the pickle sets ${items.length} keys and values of ${describe(target)}, wanted a dict and pairs`,
    );
  for (let i = 0; i < items.length; i += 2)
    (into as Map<Value, Value>).set(items[i] as Value, items[i + 1] as Value);
}

/** Sets items of the dict on the stack; a class derived from it keeps its entries. */
export const setTop = (machine: Machine, items: readonly Value[]): void =>
  setItems(machine, top(machine), items);

export function remember(machine: Machine, index: number): void {
  if (!machine.memo.has(index)) machine.spend(MEMO_BYTES);
  machine.memo.set(index, top(machine));
}

export function recall(machine: Machine, index: number): Value {
  const value = machine.memo.get(index);
  return value === undefined
    ? machine.fail(`the pickle recalls value ${index}, which it never stored`)
    : value;
}

/** A name; the module of Python's own functions has another name in Python 2. */
export function globalOf(machine: Machine, module: Value, name: Value): Global {
  if (typeof name !== 'string' || typeof module !== 'string')
    return machine.fail('the pickle has a global without name');
  machine.spend(LIST_BYTES);
  const today = module === '__builtin__' ? 'builtins' : module.slice(0, 200);
  return { kind: 'global', name: `${today}.${name.slice(0, 200)}` };
}

export function call(machine: Machine, callee: Value, args: Value): Value {
  machine.spend(CALL_BYTES);
  return callGlobal(callee, args, machine.spend);
}

export function callTop(machine: Machine): Value {
  const [args, callee] = [pop(machine), pop(machine)];
  return call(machine, callee, args);
}

/** `NEWOBJ_EX`: a class, its arguments and those with names, which are left out. */
export function callWithNames(machine: Machine): Value {
  pop(machine);
  return callTop(machine);
}

/** `OBJ`: the class and its arguments above the last mark. */
export function callMarked(machine: Machine): Value {
  const [callee = null, ...args] = popMark(machine);
  return call(machine, callee, list(machine, args));
}

export function build(machine: Machine): void {
  const state = pop(machine);
  setState(top(machine), state, machine.spend);
}

/** The storage of a persistent id, noted by its key. */
export function persistent(machine: Machine, id: Value): Value {
  machine.spend(CALL_BYTES);
  const value = resolvePersistent(id);
  if (isKind(value, 'storage')) machine.storages.set(value.key, value);
  return value;
}
