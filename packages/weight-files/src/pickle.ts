/**
 * A pickle machine for files of tensors: it knows the opcodes of plain data and calls only the functions in
 * torch-objects.ts, so reading a file runs no code of the file.
 */
import { describe, type Dict, type List, type Value } from './pickle-value.ts';
import { callGlobal, type Fail, globalOf, setState, storageOf } from './torch-objects.ts';

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stack: Value[];
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  readonly fail: Fail;
  at: number;
}

/** Moves past `length` bytes and returns where they start. */
function advance(machine: Machine, length: number): number {
  const start = machine.at;
  if (start + length > machine.bytes.length) machine.fail('the pickle is cut off');
  machine.at = start + length;
  return start;
}

const u8 = (machine: Machine): number => machine.view.getUint8(advance(machine, 1));
const u16 = (machine: Machine): number => machine.view.getUint16(advance(machine, 2), true);
const u32 = (machine: Machine): number => machine.view.getUint32(advance(machine, 4), true);

function slice(machine: Machine, length: number): Uint8Array {
  const start = advance(machine, length);
  return machine.bytes.subarray(start, start + length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(machine: Machine, length: number): string {
  try {
    return utf8.decode(slice(machine, length));
  } catch {
    return machine.fail('the pickle has a string that is cut off or not valid UTF-8');
  }
}

function line(machine: Machine): string {
  const end = machine.bytes.indexOf(0x0a, machine.at);
  const content = text(machine, (end < 0 ? machine.bytes.length : end) - machine.at);
  advance(machine, 1);
  return content;
}

/** A little-endian two's complement integer of any length. */
function long(machine: Machine, length: number): number | bigint {
  const bytes = slice(machine, length);
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const signed = BigInt.asIntN(8 * length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

function pop(machine: Machine): Value {
  const { stack, marks } = machine;
  if (stack.length <= (marks.at(-1) ?? 0)) machine.fail('the pickle takes a value where there is none');
  return stack.pop() as Value;
}

function popMark(machine: Machine): Value[] {
  const mark = machine.marks.pop();
  return mark === undefined ? machine.fail('the pickle lacks a mark') : machine.stack.splice(mark);
}

const list = (items: Value[]): List => ({ kind: 'list', items });

function tuple(machine: Machine, length: number): void {
  const items = Array.from({ length }, () => pop(machine)).reverse();
  machine.stack.push(list(items));
}

function append(machine: Machine, items: readonly Value[]): void {
  const target = machine.stack.at(-1) as List | undefined;
  if (target?.kind !== 'list') return machine.fail(`the pickle appends to ${describe(target)}, wanted a list`);
  for (const item of items) target.items.push(item);
}

function setItems(machine: Machine, items: readonly Value[]): void {
  const target = machine.stack.at(-1) as Dict | undefined;
  if (target?.kind !== 'dict' || items.length % 2 !== 0)
    return machine.fail(`the pickle sets ${items.length} keys and values of ${describe(target)}, wanted a dict`);
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
  return value === undefined ? machine.fail(`the pickle recalls value ${index}, which it never stored`) : value;
}

function stackGlobal(machine: Machine): Value {
  const [name, module] = [pop(machine), pop(machine)];
  if (typeof name !== 'string' || typeof module !== 'string') machine.fail('the pickle has a global without name');
  return globalOf(`${module}.${name}`, machine.fail);
}

function callTop(machine: Machine): Value {
  const [args, callee] = [pop(machine), pop(machine)];
  return callGlobal(callee, args, machine.fail);
}

/** Opcodes that push what they return. */
const PUSH: ReadonlyMap<number, (machine: Machine) => Value> = new Map<number, (machine: Machine) => Value>([
  [0x4e, () => null],
  [0x88, () => true],
  [0x89, () => false],
  [0x4a, (m) => m.view.getInt32(advance(m, 4), true)],
  [0x4b, u8],
  [0x4d, u16],
  [0x8a, (m) => long(m, u8(m))],
  [0x47, (m) => m.view.getFloat64(advance(m, 8))],
  [0x58, (m) => text(m, u32(m))],
  [0x8c, (m) => text(m, u8(m))],
  [0x43, (m) => ({ kind: 'bytes', data: slice(m, u8(m)) })],
  [0x5d, () => list([])],
  [0x29, () => list([])],
  [0x7d, () => ({ kind: 'dict', entries: new Map() })],
  [0x74, (m) => list(popMark(m))],
  [0x68, (m) => recall(m, u8(m))],
  [0x6a, (m) => recall(m, u32(m))],
  [0x63, (m) => globalOf(`${line(m)}.${line(m)}`, m.fail)],
  [0x93, stackGlobal],
  [0x52, callTop],
  [0x81, callTop],
  [0x51, (m) => storageOf(pop(m), m.fail)],
]);

/** Opcodes that change the machine. */
const CHANGE: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => u8(m)],
  [0x95, (m) => advance(m, 8)],
  [0x28, (m) => m.marks.push(m.stack.length)],
  [0x85, (m) => tuple(m, 1)],
  [0x86, (m) => tuple(m, 2)],
  [0x87, (m) => tuple(m, 3)],
  [0x61, (m) => append(m, [pop(m)])],
  [0x65, (m) => append(m, popMark(m))],
  [0x73, (m) => setItems(m, [pop(m), pop(m)].reverse())],
  [0x75, (m) => setItems(m, popMark(m))],
  [0x71, (m) => remember(m, u8(m))],
  [0x72, (m) => remember(m, u32(m))],
  [0x94, (m) => remember(m, m.memo.size)],
  [
    0x62,
    (m) => {
      const state = pop(m);
      setState(m.stack.at(-1), state, m.fail);
    },
  ],
]);

const STOP = 0x2e;

/** The value that a pickle builds; `source` names the file in errors. */
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
