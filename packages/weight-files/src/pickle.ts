/**
 * A pickle machine for files of tensors. It calls only the functions of torch-objects.ts and notes every other call without
 * making it, so reading a file runs no code of the file.
 */
import {
  append,
  build,
  call,
  callMarked,
  callTop,
  callWithNames,
  dict,
  globalOf,
  list,
  persistent,
  recall,
  remember,
  setTop,
  tuple,
} from './pickle-build.ts';
import {
  advance,
  decimal,
  line,
  long,
  type Machine,
  newMachine,
  oldText,
  pop,
  popMark,
  slice,
  text,
  top,
  u8,
  u16,
  u32,
  u64,
} from './pickle-machine.ts';
import type { Storage, Value } from './pickle-value.ts';
import { Unread } from './unread.ts';

const bytes = (machine: Machine, length: number): Value => {
  machine.spend(128);
  return { kind: 'bytes', data: slice(machine, length) };
};

/** A quoted string of protocol 0, its escapes undone. */
function quoted(machine: Machine): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return line(machine)
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex?: string, other?: string) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (escapes[other as string] ?? (other as string)),
    );
}

/** Text of protocol 0, in which the backslash and characters beyond latin1 are written as `\uXXXX`. */
const rawUnicode = (machine: Machine): string =>
  line(machine).replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/g, (whole, short?: string, wide?: string) => {
    const code = Number.parseInt(short ?? (wide as string), 16);
    return code > 0x10ffff ? whole : String.fromCodePoint(code);
  });

function extension(machine: Machine, length: number): Value {
  advance(machine, length);
  return new Unread('an object by a code of copyreg');
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
  [0x8b, (m) => long(m, u32(m))], // LONG4
  [0x49, decimal], // INT
  [0x4c, decimal], // LONG
  [0x47, (m) => m.view.getFloat64(advance(m, 8))], // BINFLOAT
  [0x46, (m) => Number(line(m).replace(/^(-?)inf$/, '$1Infinity'))], // FLOAT
  [0x58, (m) => text(m, u32(m))], // BINUNICODE
  [0x8c, (m) => text(m, u8(m))], // SHORT_BINUNICODE
  [0x8d, (m) => text(m, u64(m))], // BINUNICODE8
  [0x56, rawUnicode], // UNICODE
  [0x55, (m) => oldText(m, u8(m))], // SHORT_BINSTRING
  [0x54, (m) => oldText(m, u32(m))], // BINSTRING
  [0x53, quoted], // STRING
  [0x43, (m) => bytes(m, u8(m))], // SHORT_BINBYTES
  [0x42, (m) => bytes(m, u32(m))], // BINBYTES
  [0x8e, (m) => bytes(m, u64(m))], // BINBYTES8
  [0x96, (m) => bytes(m, u64(m))], // BYTEARRAY8
  [0x5d, (m) => list(m, [])], // EMPTY_LIST
  [0x29, (m) => list(m, [])], // EMPTY_TUPLE
  [0x8f, (m) => list(m, [])], // EMPTY_SET
  [0x7d, (m) => dict(m, [])], // EMPTY_DICT
  [0x74, (m) => list(m, popMark(m))], // TUPLE
  [0x6c, (m) => list(m, popMark(m))], // LIST
  [0x91, (m) => list(m, popMark(m))], // FROZENSET
  [0x64, (m) => dict(m, popMark(m))], // DICT
  [0x32, top], // DUP
  [0x68, (m) => recall(m, u8(m))], // BINGET
  [0x6a, (m) => recall(m, u32(m))], // LONG_BINGET
  [0x67, (m) => recall(m, Number(line(m)))], // GET
  [0x63, (m) => globalOf(m, line(m), line(m))], // GLOBAL
  [0x93, (m) => globalOf(m, ...([pop(m), pop(m)].reverse() as [Value, Value]))], // STACK_GLOBAL
  [0x69, (m) => call(m, globalOf(m, line(m), line(m)), list(m, popMark(m)))], // INST
  [0x52, callTop], // REDUCE
  [0x81, callTop], // NEWOBJ
  [0x92, callWithNames], // NEWOBJ_EX
  [0x6f, callMarked], // OBJ
  [0x51, (m) => persistent(m, pop(m))], // BINPERSID
  [0x50, (m) => persistent(m, line(m))], // PERSID
  [0x82, (m) => extension(m, 1)], // EXT1
  [0x83, (m) => extension(m, 2)], // EXT2
  [0x84, (m) => extension(m, 4)], // EXT4
]);

/** Opcodes that change the machine. */
const CHANGE: ReadonlyMap<number, (machine: Machine) => void> = new Map<number, (machine: Machine) => void>([
  [0x80, (m) => u8(m)], // PROTO
  [0x95, (m) => advance(m, 8)], // FRAME
  [0x28, (m) => m.marks.push(m.stack.length)], // MARK
  [0x30, (m) => pop(m)], // POP
  [0x31, (m) => popMark(m)], // POP_MARK
  [0x85, (m) => tuple(m, 1)], // TUPLE1
  [0x86, (m) => tuple(m, 2)], // TUPLE2
  [0x87, (m) => tuple(m, 3)], // TUPLE3
  [0x61, (m) => append(m, [pop(m)])], // APPEND
  [0x65, (m) => append(m, popMark(m))], // APPENDS
  [0x90, (m) => append(m, popMark(m))], // ADDITEMS
  [0x73, (m) => setTop(m, [pop(m), pop(m)].reverse())], // SETITEM
  [0x75, (m) => setTop(m, popMark(m))], // SETITEMS
  [0x70, (m) => remember(m, Number(line(m)))], // PUT
  [0x71, (m) => remember(m, u8(m))], // BINPUT
  [0x72, (m) => remember(m, u32(m))], // LONG_BINPUT
  [0x94, (m) => remember(m, m.memo.size)], // MEMOIZE
  [0x62, build], // BUILD
]);

const STOP = 0x2e;

/** A pickle's value, its end in the file, and the storages that it names. */
export interface Unpickled {
  readonly value: Value;
  readonly end: number;
  readonly storages: ReadonlyMap<string, Storage>;
}

/**
 * The pickle at byte `at`; `source` names the file in errors.
 * @throws Error where the pickle is damaged, uses an unknown opcode or takes too much memory
 */
export function unpickle(file: Uint8Array, source: string, at = 0): Unpickled {
  const machine = newMachine(file, source, at);
  for (let code = u8(machine); code !== STOP; code = u8(machine)) {
    const push = PUSH.get(code);
    const change = CHANGE.get(code);
    if (push) machine.stack.push(push(machine));
    else if (change) change(machine);
    else machine.fail(`the pickle uses opcode 0x${code.toString(16)}, which no file of tensors needs`);
  }
  return { value: pop(machine), end: machine.at, storages: machine.storages };
}
