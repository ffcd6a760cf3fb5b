/**
 * A pickle machine for files of tensors: it supports the opcodes of plain data and calls only the functions in
 * torch-objects.ts, so reading a file runs no code of the file.
 */

import {
  advance,
  line,
  long,
  type Machine,
  pop,
  popMark,
  slice,
  text,
  u8,
  u16,
  u32,
} from './pickle-machine.ts';
import { type Dict, describe, type List, type Value } from './pickle-value.ts';
import { callGlobal, resolveGlobal, resolveStorage, setState } from './torch-objects.ts';

const list = (items: Value[]): List => ({ kind: 'list', items });

function tuple(machine: Machine, length: number): void {
  const items = Array.from({ length }, () => pop(machine)).reverse();
  machine.stack.push(list(items));
}

function append(machine: Machine, items: readonly Value[]): void {
  const target = machine.stack.at(-1) as List | undefined;
  if (target?.kind !== 'list') machine.fail(`the pickle appends to ${describe(target)}, wanted a list`);
  for (const item of items) target.items.push(item);
}

function setItems(machine: Machine, items: readonly Value[]): void {
  const target = machine.stack.at(-1) as Dict | undefined;
  if (target?.kind !== 'dict' || items.length % 2 !== 0)
    machine.fail(`the pickle sets ${items.length} keys and values of ${describe(target)}, wanted a dict`);
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i] as Value;
    if (typeof key !== 'string' && typeof key !== 'number')
      machine.fail(`the pickle has a key that is ${describe(key)}, wanted text or a number`);
    target.entries.set(key as string | number, items[i + 1] as Value);
  }
}

function remember(machine: Machine, index: number): void {
  const value = pop(machine);
  machine.memo.set(index, value);
  machine.stack.push(value);
}

function recall(machine: Machine, index: number): Value {
  const value = machine.memo.get(index);
  return value === undefined
    ? machine.fail(`the pickle recalls value ${index}, which it never stored`)
    : value;
}

function stackGlobal(machine: Machine): Value {
  const [name, module] = [pop(machine), pop(machine)];
  if (typeof name !== 'string' || typeof module !== 'string')
    machine.fail('the pickle has a global without name');
  return resolveGlobal(`${module}.${name}`, machine.fail);
}

function callTop(machine: Machine): Value {
  const [args, callee] = [pop(machine), pop(machine)];
  return callGlobal(callee, args, machine.fail);
}

function build(machine: Machine): void {
  const state = pop(machine);
  setState(machine.stack.at(-1), state, machine.fail);
}

/** Opcodes that push what they return. */
const PUSH: ReadonlyMap<number, (machine: Machine) => Value> = new Map<number, (machine: Machine) => Value>([
  [0x4e, () => null], // NONE
  [0x88, () => true], // NEWTRUE
  [0x89, () => false], // NEWFALSE
  [0x4a, (m) => m.view.getInt32(advance(m, 4), true)], // BININT
  [0x4b, u8], // BININT1
  [0x4d, u16], // BININT2
  [0x8a, (m) => long(m, u8(m))], // LONG1
  [0x47, (m) => m.view.getFloat64(advance(m, 8))], // BINFLOAT
  [0x58, (m) => text(m, u32(m))], // BINUNICODE
  [0x8c, (m) => text(m, u8(m))], // SHORT_BINUNICODE
  [0x43, (m) => ({ kind: 'bytes', data: slice(m, u8(m)) })], // SHORT_BINBYTES
  [0x42, (m) => ({ kind: 'bytes', data: slice(m, u32(m)) })], // BINBYTES
  [0x5d, () => list([])], // EMPTY_LIST
  [0x29, () => list([])], // EMPTY_TUPLE
  [0x7d, () => ({ kind: 'dict', entries: new Map() })], // EMPTY_DICT
  [0x74, (m) => list(popMark(m))], // TUPLE
  [0x68, (m) => recall(m, u8(m))], // BINGET
  [0x6a, (m) => recall(m, u32(m))], // LONG_BINGET
  [0x63, (m) => resolveGlobal(`${line(m)}.${line(m)}`, m.fail)], // GLOBAL
  [0x93, stackGlobal], // STACK_GLOBAL
  [0x52, callTop], // REDUCE
  [0x81, callTop], // NEWOBJ
  [0x51, (m) => resolveStorage(pop(m), m.fail)], // BINPERSID
]);

/** Opcodes that change the machine. */
const CHANGE: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => u8(m)], // PROTO
  [0x95, (m) => advance(m, 8)], // FRAME
  [0x28, (m) => m.marks.push(m.stack.length)], // MARK
  [0x85, (m) => tuple(m, 1)], // TUPLE1
  [0x86, (m) => tuple(m, 2)], // TUPLE2
  [0x87, (m) => tuple(m, 3)], // TUPLE3
  [0x61, (m) => append(m, [pop(m)])], // APPEND
  [0x65, (m) => append(m, popMark(m))], // APPENDS
  [0x73, (m) => setItems(m, [pop(m), pop(m)].reverse())], // SETITEM
  [0x75, (m) => setItems(m, popMark(m))], // SETITEMS
  [0x71, (m) => remember(m, u8(m))], // BINPUT
  [0x72, (m) => remember(m, u32(m))], // LONG_BINPUT
  [0x94, (m) => remember(m, m.memo.size)], // MEMOIZE
  [0x62, build], // BUILD
]);

const STOP = 0x2e;

/**
 * The value that a pickle builds; `source` names the file in errors.
 * @throws Error where the pickle is damaged or uses an unsupported opcode or function
 */
export function unpickle(bytes: Uint8Array, source: string): Value {
  const machine: Machine = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    stack: [],
    marks: [],
    memo: new Map(),
    at: 0,
    fail: (problem) => {
      throw new Error(`${source}: ${problem} (byte ${machine.at} of the pickle).`);
    },
  };
  for (let code = u8(machine); code !== STOP; code = u8(machine)) {
    const push = PUSH.get(code);
    const change = CHANGE.get(code);
    if (push) machine.stack.push(push(machine));
    else if (change) change(machine);
    else machine.fail(`the pickle uses opcode 0x${code.toString(16)}, which no file of tensors needs`);
  }
  return pop(machine);
}
