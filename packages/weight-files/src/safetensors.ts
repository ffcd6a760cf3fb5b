/** Safetensors files: parsed from or encoded to bytes, read from or written to disk. */
import { byteLength, ELEMENT_BYTES, quote, type StoredTensor, type TensorEntry } from './dtype.ts';
import { headerLength, parseHeader, type Slot } from './header.ts';
import { checkNames, encodeHeader, layOut } from './header-write.ts';
import { openSource } from './source.ts';
import { writeWhole } from './write.ts';

/** The content of a file; both records have no prototype. */
export interface Safetensors {
  readonly metadata: Record<string, string>;
  readonly tensors: Record<string, TensorEntry>;
}

/**
 * Parses the bytes of a whole file; tensors are views of `bytes`. `source` names the file in errors.
 * @throws Error where the bytes are no valid safetensors file
 */
export function parseSafetensors(bytes: Uint8Array, source = 'safetensors data'): Safetensors {
  const dataStart = 8 + headerLength(bytes, bytes.length, source);
  const { metadata, slots } = parseHeader(bytes.subarray(8, dataStart), bytes.length - dataStart, source);
  const tensors: Record<string, TensorEntry> = Object.create(null);
  for (const { name, dtype, shape, begin, end, problem } of slots) {
    if (problem !== undefined) throw new Error(problem);
    tensors[name] = { dtype, shape, data: bytes.subarray(dataStart + begin, dataStart + end) };
  }
  return { metadata, tensors };
}

/** An open file, its tensors unread; a tensor of an unknown type is refused by its `read`. */
export interface SafetensorsFile {
  readonly metadata: Record<string, string>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  close(): Promise<void>;
}

/**
 * Opens a file and reads its header; tensors are read one by one, each into its own memory.
 * @throws Error where the file cannot be read or its header is not valid
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const source = await openSource(path);
  const { size, read, close } = source;
  try {
    const dataStart = 8 + headerLength(await read(0, Math.min(8, size)), size, path);
    const { metadata, slots } = parseHeader(await read(8, dataStart - 8), size - dataStart, path);
    const tensors: Record<string, StoredTensor> = Object.create(null);
    for (const { name, dtype, shape, begin, end, problem } of slots) {
      const readTensor = async (): Promise<TensorEntry> => {
        if (problem !== undefined) throw new Error(problem);
        return { dtype, shape, data: await read(dataStart + begin, end - begin) };
      };
      tensors[name] = { dtype, shape, read: readTensor };
    }
    return { metadata, tensors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Reads a file; no more is allocated than the size of the file. Tensors for which `keep` is false are left out.
 * @throws Error where the file cannot be read or is not valid
 */
export async function readSafetensors(
  path: string,
  keep: (name: string) => boolean = () => true,
): Promise<Safetensors> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, TensorEntry> = Object.create(null);
    for (const [name, tensor] of Object.entries(file.tensors)) {
      if (keep(name)) tensors[name] = await tensor.read();
    }
    return { metadata: file.metadata, tensors };
  } finally {
    await file.close();
  }
}

function checkEntry(name: string, { dtype, shape, data }: TensorEntry): void {
  const fail = (problem: string): never => {
    throw new Error(`Tensor ${quote(name)} cannot be written: ${problem}.`);
  };
  if (!ELEMENT_BYTES.has(dtype))
    fail(`dtype is ${quote(String(dtype))}, wanted one of ${[...ELEMENT_BYTES.keys()].join(', ')}`);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    fail(`shape is [${shape}], wanted non-negative integers`);
  }
  const wanted = byteLength(dtype, shape);
  if (data.byteLength !== wanted)
    fail(`it has ${data.byteLength} bytes, wanted ${wanted} for ${dtype} [${shape}]`);
}

/**
 * The file as a list of byte chunks to write one after the other; all but the first are the tensors' own memory. The
 * bytes depend on the content only, not on the order of the records.
 * @throws Error where a name or shape cannot be stored
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorEntry>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  checkNames([...Object.keys(tensors), ...Object.keys(metadata)]);
  for (const [name, entry] of Object.entries(tensors)) checkEntry(name, entry);
  const slots = layOut(tensors);
  const getData = ({ name }: Slot): Uint8Array => (tensors[name] as TensorEntry).data;
  return [encodeHeader(slots, metadata), ...slots.map(getData)];
}

/**
 * Writes a file under a temporary name and renames it, so that `path` never holds half a file.
 * @throws Error where a name or shape cannot be stored, or the disk fails
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorEntry>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeWhole(path, encodeSafetensors(tensors, metadata));
}
