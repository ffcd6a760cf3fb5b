/** Lays tensors out in a safetensors file and writes the header that describes them. */
import { ELEMENT_BYTES, FORBIDDEN_NAMES, quote, type TensorEntry } from './dtype.ts';
import { MAX_HEADER_BYTES, METADATA, type Slot } from './header.ts';

/** Lays tensors out in the order of the reference writer: by type, wide ones first, then by name. */
export function layOut(tensors: Readonly<Record<string, TensorEntry>>): readonly Slot[] {
  const types = [...ELEMENT_BYTES.keys()];
  const names = Object.keys(tensors).sort((a, b) => (a < b ? -1 : 1));
  let begin = 0;
  return types.flatMap((dtype) =>
    names
      .filter((name) => tensors[name]?.dtype === dtype)
      .map((name) => {
        const { shape, data } = tensors[name] as TensorEntry;
        const slot = { name, dtype, shape, begin, end: begin + data.byteLength };
        begin = slot.end;
        return slot;
      }),
  );
}

/**
 * The 8 length bytes and the header, padded with spaces so that the data starts at a multiple of 8.
 * @throws Error where the header is too long
 */
export function encodeHeader(slots: readonly Slot[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const describe = ({ dtype, shape, begin, end }: Slot): string =>
    `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
  const sorted = Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
  const members = slots.map((slot) => `${JSON.stringify(slot.name)}:${describe(slot)}`);
  if (Object.keys(sorted).length > 0) members.unshift(`"${METADATA}":${JSON.stringify(sorted)}`);
  const json = new TextEncoder().encode(`{${members.join()}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new Error(
      `The safetensors header has ${length} bytes, wanted at most ${MAX_HEADER_BYTES}; shorten the metadata.`,
    );
  }
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

/**
 * Checks tensor names for writing.
 * @throws Error where a reader would refuse one
 */
export function checkNames(names: readonly string[]): void {
  const forbidden = names.find((name) => FORBIDDEN_NAMES.has(name) || name === METADATA);
  if (forbidden !== undefined)
    throw new Error(`A safetensors file cannot hold the name ${quote(forbidden)}; rename it.`);
}
