/** The stack, the memo and the bytes of a pickle machine. */
import type { Fail, Spend, Storage, Value } from './pickle-value.ts';

/** A pickle that is being read. */
export interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stack: Value[];
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  readonly storages: Map<string, Storage>;
  readonly fail: Fail;
  readonly spend: Spend;
  at: number;
}

/** Memory that a pickle may take beyond twice its bytes. */
const MOST_BYTES = 96 << 20;

/** A machine at byte `at` of `bytes`; `source` names the file in errors. */
export function newMachine(bytes: Uint8Array, source: string, at: number): Machine {
  let left = MOST_BYTES + 2 * bytes.length;
  const machine: Machine = {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    stack: [],
    marks: [],
    memo: new Map(),
    storages: new Map(),
    at,
    fail: (problem) => {
      throw new Error(`${source}: ${problem} (byte ${machine.at} of the pickle).`);
    },
    spend: (amount) => {
      left -= amount;
      if (left < 0)
        machine.fail(`the pickle takes more than ${MOST_BYTES >> 20} MiB of memory beside the tensors`);
    },
  };
  return machine;
}

/** Moves past `length` bytes and returns where they start. */
export function advance(machine: Machine, length: number): number {
  const start = machine.at;
  if (start + length > machine.bytes.length) machine.fail('the pickle is cut off');
  machine.at = start + length;
  return start;
}

/** Unsigned integers of 1, 2, 4 and 8 bytes; those of 8 lose precision beyond 2^53. */
export const u8 = (machine: Machine): number => machine.view.getUint8(advance(machine, 1));
export const u16 = (machine: Machine): number => machine.view.getUint16(advance(machine, 2), true);
export const u32 = (machine: Machine): number => machine.view.getUint32(advance(machine, 4), true);
export const u64 = (machine: Machine): number => Number(machine.view.getBigUint64(advance(machine, 8), true));

/** The next `length` bytes. */
export function slice(machine: Machine, length: number): Uint8Array {
  const start = advance(machine, length);
  return machine.bytes.subarray(start, start + length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 text of `length` bytes. */
export function text(machine: Machine, length: number): string {
  const bytes = slice(machine, length);
  try {
    return utf8.decode(bytes);
  } catch {
    return machine.fail('the pickle has a string that is not valid UTF-8');
  }
}

/** Text of Python 2 of `length` bytes: UTF-8, or else latin1, as NumPy's arrays need it. */
export function oldText(machine: Machine, length: number): string {
  const bytes = slice(machine, length);
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** Text up to the end of the line, a character for each byte. */
export function line(machine: Machine): string {
  const end = machine.bytes.indexOf(0x0a, machine.at);
  const content = slice(machine, (end < 0 ? machine.bytes.length : end) - machine.at);
  advance(machine, 1);
  return Buffer.from(content).toString('latin1');
}

const MOST_INTEGER_BYTES = 1024;

/** A little-endian two's complement integer. */
export function long(machine: Machine, length: number): number | bigint {
  if (length > MOST_INTEGER_BYTES)
    machine.fail(`the pickle has an integer of ${length} bytes, wanted at most ${MOST_INTEGER_BYTES}`);
  const bytes = slice(machine, length);
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return small(BigInt.asIntN(8 * length, value));
}

const small = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** An integer in decimal digits on a line, `L` behind it; `00` and `01` are false and true in Python 2. */
export function decimal(machine: Machine): Value {
  const digits = line(machine);
  if (digits === '00' || digits === '01') return digits === '01';
  if (!/^-?\d{1,400}L?$/.test(digits)) machine.fail('the pickle has an integer that is no decimal number');
  return small(BigInt(digits.replace('L', '')));
}

/** Takes the top of the stack, not past the last mark. */
export function pop(machine: Machine): Value {
  const { stack, marks } = machine;
  if (stack.length <= (marks.at(-1) ?? 0)) machine.fail('the pickle takes a value where there is none');
  return stack.pop() as Value;
}

/** The top of the stack, not past the last mark. */
export function top(machine: Machine): Value {
  const value = pop(machine);
  machine.stack.push(value);
  return value;
}

/** Takes everything above the last mark. */
export function popMark(machine: Machine): Value[] {
  const mark = machine.marks.pop();
  return mark === undefined ? machine.fail('the pickle lacks a mark') : machine.stack.splice(mark);
}
