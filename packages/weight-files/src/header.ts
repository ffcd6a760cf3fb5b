/** Header of a safetensors file, checked before a byte of a tensor is read. */
import { byteLength, type DType, ELEMENT_BYTES, quote } from './dtype.ts';
import { type HeaderValue, parseHeaderJson } from './header-json.ts';

/** Longest header the reference implementation reads. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The header's key of free text, which no tensor may have. */
export const METADATA = '__metadata__';

/** Position of one tensor in the data after the header. */
export interface Slot {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  /** The sentence with which reading the tensor is refused, where its type is unknown. */
  readonly problem?: string;
}

/** A checked header; `slots` are in the order of the data and cover it exactly. */
export interface Header {
  readonly metadata: Record<string, string>;
  readonly slots: readonly Slot[];
}

/**
 * The number of header bytes from the first 8 bytes of a file of `fileBytes` bytes.
 * @throws Error where the file is too short or the length is out of range
 */
export function headerLength(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (fileBytes < 8)
    throw new Error(
      `${source}: the file has ${fileBytes} bytes, wanted at least the 8 of the header length.`,
    );
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  const limit = Math.min(MAX_HEADER_BYTES, fileBytes - 8);
  if (length > BigInt(limit)) {
    throw new Error(
      `${source}: the header claims ${length} bytes, wanted at most ${limit}; the file is cut off or not safetensors.`,
    );
  }
  return Number(length);
}

function parseMetadata(value: HeaderValue, source: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (!(value instanceof Map))
    throw new Error(`${source}: ${METADATA} is not an object, wanted strings by name.`);
  for (const [key, text] of value) {
    if (typeof text !== 'string')
      throw new Error(`${source}: ${METADATA} entry ${quote(key)} is not a string, wanted one.`);
    metadata[key] = text;
  }
  return metadata;
}

function isCounts(value: HeaderValue | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

function parseSlot(name: string, value: HeaderValue, source: string): Slot {
  const fail = (problem: string): never => {
    throw new Error(`${source}: tensor ${quote(name)} ${problem}.`);
  };
  if (!(value instanceof Map) || value.size !== 3)
    return fail('wants exactly the fields dtype, shape and data_offsets');
  const [dtype, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((field) => value.get(field));
  if (typeof dtype !== 'string') return fail(`has dtype ${quote(String(dtype))}, wanted text`);
  if (!isCounts(shape)) return fail('has a shape that is not a list of non-negative integers');
  if (!isCounts(offsets) || offsets.length !== 2)
    return fail('has data_offsets that are not two non-negative integers');
  const [begin, end] = offsets as [number, number];
  if (!ELEMENT_BYTES.has(dtype as DType)) {
    if (end < begin) return fail(`has ${end - begin} bytes by its data_offsets, wanted at least 0`);
    const problem = `${source}: tensor ${quote(name)} has dtype ${quote(dtype)}, wanted one of ${[...ELEMENT_BYTES.keys()].join(', ')}.`;
    return { name, dtype: dtype as DType, shape, begin, end, problem };
  }
  const bytes = byteLength(dtype as DType, shape);
  if (bytes === undefined) return fail('has a shape whose size in bytes is beyond 2^53 - 1');
  if (end - begin !== bytes)
    fail(`has ${end - begin} bytes by its data_offsets, wanted ${bytes} by its dtype and shape`);
  return { name, dtype: dtype as DType, shape, begin, end };
}

/** Refuses gaps, overlaps and data that no tensor owns; an empty tensor may lie at any border. */
function checkCover(slots: readonly Slot[], dataBytes: number, source: string): void {
  let covered = 0;
  for (const { name, begin, end } of slots) {
    if (begin !== covered) {
      throw new Error(
        `${source}: tensor ${quote(name)} starts at byte ${begin} of the data, wanted ${covered}, where the one before ends.`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    throw new Error(
      `${source}: the tensors cover ${covered} bytes of data, wanted all ${dataBytes} in the file.`,
    );
  }
}

function decodeText(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Error(`${source}: the header is not valid UTF-8, wanted JSON text.`);
  }
}

/**
 * Parses and checks the header's bytes against the number of data bytes behind it.
 * @throws Error where the header is invalid or does not cover the data exactly
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, source: string): Header {
  const entries = new Map(parseHeaderJson(decodeText(bytes, source), source));
  const metadata = parseMetadata(entries.get(METADATA) ?? new Map<string, HeaderValue>(), source);
  entries.delete(METADATA);
  const slots = [...entries].map(([name, value]) => parseSlot(name, value, source));
  slots.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(slots, dataBytes, source);
  return { metadata, slots };
}
