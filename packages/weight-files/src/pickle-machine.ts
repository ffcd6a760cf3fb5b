/** The stack, the memo and the bytes of a pickle machine. */

import type { Fail, Value } from './pickle-value.ts';

/** A pickle that is being read. */
export interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly stack: Value[];
  readonly marks: number[];
  readonly memo: Map<number, Value>;
  readonly fail: Fail;
  at: number;
}

/** Moves past `length` bytes and returns where they start. */
export function advance(machine: Machine, length: number): number {
  const start = machine.at;
  if (start + length > machine.bytes.length) machine.fail('the pickle is cut off');
  machine.at = start + length;
  return start;
}

/** Unsigned integers of 1, 2 and 4 bytes. */
export const u8 = (machine: Machine): number => machine.view.getUint8(advance(machine, 1));
export const u16 = (machine: Machine): number => machine.view.getUint16(advance(machine, 2), true);
export const u32 = (machine: Machine): number => machine.view.getUint32(advance(machine, 4), true);

/** The next `length` bytes. */
export function slice(machine: Machine, length: number): Uint8Array {
  const start = advance(machine, length);
  return machine.bytes.subarray(start, start + length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 text of `length` bytes. */
export function text(machine: Machine, length: number): string {
  try {
    return utf8.decode(slice(machine, length));
  } catch {
    return machine.fail('the pickle has a string that is cut off or not valid UTF-8');
  }
}

/** Text up to the end of the line. */
export function line(machine: Machine): string {
  const end = machine.bytes.indexOf(0x0a, machine.at);
  const content = text(machine, (end < 0 ? machine.bytes.length : end) - machine.at);
  advance(machine, 1);
  return content;
}

/** A little-endian two's complement integer of any length. */
export function long(machine: Machine, length: number): number | bigint {
  const bytes = slice(machine, length);
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const signed = BigInt.asIntN(8 * length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

/** Takes the top of the stack, not past the last mark. */
export function pop(machine: Machine): Value {
  const { stack, marks } = machine;
  if (stack.length <= (marks.at(-1) ?? 0)) machine.fail('the pickle takes a value where there is none');
  return stack.pop() as Value;
}

/** Takes everything above the last mark. */
export function popMark(machine: Machine): Value[] {
  const mark = machine.marks.pop();
  return mark === undefined ? machine.fail('the pickle lacks a mark') : machine.stack.splice(mark);
}
